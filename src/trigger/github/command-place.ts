import type { CommandSpot } from "../../run/github-thread.ts";

/** What holds a command, and the thread it stands in. */
export type CommandPlace = {
  owner: string;
  repo: string;
  /** Number of the issue or pull request. */
  number: number;
  spot: CommandSpot;
};

export type Reaction = "eyes" | "rocket" | "confused" | "-1";
