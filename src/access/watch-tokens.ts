import type { TokenEntry } from "./token-entry.ts";
import { readStamp, readTokens, type ReadTokens } from "./tokens-file.ts";

export type WatchTokensOptions = {
  /** What was read at the start. */
  first: Extract<ReadTokens, { kind: "read" }>;
  /** Told once for each change that made the file unusable. */
  onProblem: (problem: string) => void;
};

/**
 * The tokens as the file has them at each call, so that one is revoked without a restart. A file that has become wrong
 * leaves those that were read last; a file that is gone leaves none.
 */
export function watchTokens(path: string, { first, onProblem }: WatchTokensOptions): () => readonly TokenEntry[] {
  let { entries, stamp } = first;
  return () => {
    if (readStamp(path) === stamp) return entries;
    const read = readTokens(path);
    stamp = read.stamp;
    switch (read.kind) {
      case "read":
        ({ entries } = read);
        break;
      case "missing":
        entries = [];
        onProblem(read.problem);
        break;
      case "wrong":
        onProblem(read.problem);
    }
    return entries;
  };
}
