/**
 * How much of a thread a prompt holds, all in one place: lengths in characters, the rest in pieces. What is over a limit is
 * left out, and the prompt says so.
 */
export const LIMITS = {
  /** The first text of the thread: GitHub's own limit of it. */
  body: 65_536,
  /** All that was said in the thread; the newest. */
  comments: 30_000,
  /** What reviews say as a whole; the newest. */
  reviews: 15_000,
  /** Comments on lines, with the lines; the newest. */
  lines: 30_000,
  /** Lines of the change above a comment on it. */
  hunkLines: 12,
  /** The change itself. */
  change: 60_000,
  /** Changed files that are named, and the length of their names. */
  files: 300,
  fileNames: 20_000,
  /** Failed checks that are named. */
  checks: 20,
  /** Of these, the ones whose logs are read, and how much of each. */
  jobs: 5,
  logLines: 60,
  logLineLength: 400,
  logLength: 6_000,
  /** What is read of one log, in bytes; its end is what counts, so a longer one is not shown. */
  logBytes: 32 * 1024 * 1024,
  /** What a check says of itself. */
  checkSummary: 600,
} as const;

/** Longest time that reading takes in all, in milliseconds: a person waits for an answer meanwhile. */
export const READ_WITHIN_MS = 5_000;
