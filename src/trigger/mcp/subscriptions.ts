import type { RunId } from "../../run/id.ts";

/** The resources that one conversation is told of when they change, by their addresses. */
export type Subscriptions = {
  add(uri: string, runId: RunId): void;
  remove(uri: string): void;
};
