import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type BigIntStats } from "node:fs";
import { TokensFile, toEntryProblem, type TokenEntry } from "./token-entry.ts";

/** What MCP_TOKENS_FILE holds. `stamp` changes when the file does. Problems are half sentences without any value. */
export type ReadTokens =
  | { kind: "read"; entries: readonly TokenEntry[]; stamp: string }
  | { kind: "missing"; problem: string; stamp: string }
  | { kind: "wrong"; problem: string; stamp: string };

const MAX_BYTES = 4n * 1024n ** 2n;
const MISSING = { kind: "missing", problem: "does not exist", stamp: "missing" } as const;

/** Reads the file of tokens. Never throws: what is wrong with it is the answer. */
export function readTokens(path: string): ReadTokens {
  let file: number;
  try {
    // Without O_NONBLOCK a named pipe would hold the whole process.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return toUnreadable(error, { path });
  }
  try {
    const stats = fstatSync(file, { bigint: true });
    const stamp = toStamp(stats);
    const problem = checkFile(stats);
    return problem === null ? parseTokens(readFileSync(file, "utf8"), stamp) : { kind: "wrong", problem, stamp };
  } catch (error) {
    return toUnreadable(error, { path });
  } finally {
    closeSync(file);
  }
}

/** The stamp that reading the file now would give. */
export function readStamp(path: string): string {
  try {
    return toStamp(statSync(path, { bigint: true }));
  } catch (error) {
    return isMissing(error) ? MISSING.stamp : "unreadable";
  }
}

function toUnreadable(error: unknown, { path }: { path: string }): ReadTokens {
  if (isMissing(error)) return MISSING;
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return { kind: "wrong", problem: `cannot be read (${code})`, stamp: readStamp(path) };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The time of the last change of its attributes is in it, since a change of mode counts as well. */
function toStamp({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function checkFile(stats: BigIntStats): string | null {
  if (!stats.isFile()) return "is not a file";
  if ((stats.mode & 0o007n) !== 0n) return "is open to other users of this machine: chmod 600 it";
  return stats.size > MAX_BYTES ? "is larger than 4 MiB" : null;
}

function parseTokens(text: string, stamp: string): ReadTokens {
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return { kind: "wrong", problem: "is not JSON", stamp };
  }
  const parsed = TokensFile.safeParse(content);
  if (parsed.success) return { kind: "read", entries: parsed.data.tokens, stamp };
  const problems = parsed.error.issues.slice(0, 10).map(toEntryProblem);
  return { kind: "wrong", problem: `is wrong: ${problems.join("; ")}`, stamp };
}
