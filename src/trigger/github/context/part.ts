import type { CommandCall } from "../command-call.ts";
import type { Cleaner } from "./cleaner.ts";

/** Makes the text of what was read. Parts are written one after the other, since they share what counts over all of them. */
export type Writing = (cleaner: Cleaner) => string;

/** One part of what a thread tells: its heading, and how it is read. */
export type Part = { title: string; read: (call: CommandCall, options: ReadOptions) => Promise<Writing> };

/** `signal` ends all reading. */
export type ReadOptions = { signal: AbortSignal };

/** What every request gets, as Octokit's `request`: GitHub is asked once, and not for longer than the signal says. */
export function toRequest({ signal }: ReadOptions): { retries: number; signal: AbortSignal } {
  return { retries: 0, signal };
}

/** Where the thread is, for calls of the API. */
export function toAddress({ place }: CommandCall): { owner: string; repo: string } {
  return { owner: place.owner, repo: place.repo };
}
