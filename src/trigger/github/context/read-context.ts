import type { CommandCall } from "../command-call.ts";
import { retryTransient, toStatus, type RetryPlan } from "../retry.ts";
import { change } from "./change.ts";
import { checks } from "./checks.ts";
import type { Cleaner } from "./cleaner.ts";
import { commentedLine } from "./commented-line.ts";
import { comments } from "./comments.ts";
import { cutEnd } from "./cut-end.ts";
import { LIMITS, READ_WITHIN_MS } from "./limits.ts";
import { lineComments } from "./line-comments.ts";
import type { Part, ReadOptions, Writing } from "./part.ts";
import { reviews } from "./reviews.ts";

/** What a prompt holds besides the request: data of strangers, without what people cannot see. */
export type ThreadContext = {
  title: string;
  body: string;
};

/** `cleaner`: has seen the request itself, so that its pictures come first. */
export type ReadContextOptions = {
  cleaner: Cleaner;
  /** Longest time that reading takes in all, in milliseconds. Default: a few seconds. */
  withinMs?: number;
};

const OF_ISSUES: Part[] = [comments];
const OF_PULLS: Part[] = [commentedLine, comments, reviews, lineComments, checks, change];

/** One more try of what passes, within the time that all of it has. */
const RETRY: RetryPlan = { maxRetryTimeMs: READ_WITHIN_MS / 2, minDelayMs: 300, maxDelayMs: 1000 };

/**
 * The thread of a command as it stood when the command was written: title, first text, what was said, and of a pull request
 * its reviews, the comments on its lines and its change. What was said or edited later is left out. Never rejects, and takes
 * a few seconds at most: a part that GitHub does not give by then is named as missing.
 */
export async function readContext(
  call: CommandCall,
  { cleaner, withinMs = READ_WITHIN_MS }: ReadContextOptions,
): Promise<ThreadContext> {
  const { issue } = call.created;
  const options = { signal: AbortSignal.timeout(withinMs) };
  const parts = issue.kind === "pull-request" ? OF_PULLS : OF_ISSUES;
  const read = await Promise.all(parts.map((part) => readPart(part, { ...options, call })));
  const title = cleaner.prose(issue.title);
  const first = cutEnd(cleaner.prose(issue.body), LIMITS.body);
  const texts = parts.map(({ title: heading }, index) => writePart(heading, { writing: read[index] ?? null, cleaner }));
  const body = [first, ...texts].filter((text) => text !== "").join("\n\n");
  return { title, body };
}

async function readPart(
  { title, read }: Part,
  { call, ...options }: ReadOptions & { call: CommandCall },
): Promise<Writing | null> {
  try {
    return await endInTime(
      retryTransient(() => read(call, options), RETRY),
      options,
    );
  } catch (error) {
    call.log.warn({ part: title, status: toStatus(error) }, "a part of the thread could not be read");
    return null;
  }
}

/** Rejects when the time is over, whatever the work does then. */
async function endInTime<Answer>(work: Promise<Answer>, { signal }: ReadOptions): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason);
  signal.addEventListener("abort", end);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

function writePart(title: string, { writing, cleaner }: { writing: Writing | null; cleaner: Cleaner }): string {
  const text = writing === null ? "(GitHub did not give this part.)" : writing(cleaner).trim();
  return text === "" ? "" : `## ${title}\n\n${text}`;
}
