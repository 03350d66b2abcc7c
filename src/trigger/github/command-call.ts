import type PQueue from "p-queue";
import type { Logger } from "../../logger.ts";
import type { GitHubClient } from "./client.ts";
import type { CommandPlace } from "./command-place.ts";
import type { GitHubAppDeps } from "./deps.ts";
import type { CommentCreated } from "./payload.ts";
import type { Person } from "./person.ts";
import type { ReplyLimit } from "./reply-limit.ts";
import type { RunLimit } from "./run-limit.ts";

/** `resumed`: an earlier process may have done part of the work already. */
export type Attempt = "first" | "resumed";

/** A command by a person, with all that is needed to answer it. */
export type CommandCall = {
  deliveryId: string;
  attempt: Attempt;
  created: CommentCreated;
  installationId: number;
  author: Person;
  place: CommandPlace;
  octokit: GitHubClient;
  log: Logger;
};

/** What commands share. */
export type CommandDesk = {
  deps: GitHubAppDeps;
  limit: RunLimit;
  replies: ReplyLimit;
  /** Lets few threads be read at a time: one can be long, and a burst of commands would hold them all at once. */
  reading: PQueue;
  /** Aborted when the process ends: what fails from then on is left to the next one. */
  stopping: AbortSignal;
};

/**
 * What is left once it is settled what becomes of a command: telling its person. It waits its turn among all that is
 * written to GitHub, so nothing else waits for it.
 */
export type Tell = () => Promise<void>;

/** One command and what it is answered with. */
export type AnswerOptions = CommandDesk & { call: CommandCall };
