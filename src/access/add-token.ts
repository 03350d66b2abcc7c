import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { TokenEntry } from "./token-entry.ts";
import { readTokens } from "./tokens-file.ts";

/** Whether the entry is in the file now; if not, why, as half a sentence about the file. */
export type AddedToken = { kind: "added" } | { kind: "refused"; problem: string };

/**
 * Adds an entry to a file of tokens, which is made (0600) when there is none. The file is whole at every moment, and keeps
 * its owner and mode. Throws only what the file system does.
 */
export function addToken(path: string, { entry }: { entry: TokenEntry }): AddedToken {
  const target = toTarget(path);
  const nextPath = `${target}.new`;
  const next = openNext(nextPath);
  if (next === null)
    return {
      kind: "refused",
      problem: `is being changed by another process (remove ${nextPath} when there is none)`,
    };
  let isInPlace = false;
  try {
    const read = readTokens(target);
    if (read.kind === "wrong") return { kind: "refused", problem: read.problem };
    const entries = read.kind === "read" ? read.entries : [];
    if (entries.some(({ name }) => name === entry.name))
      return { kind: "refused", problem: `has a token named ${JSON.stringify(entry.name)} already` };
    writeFileSync(next, `${JSON.stringify({ tokens: [...entries, entry] }, null, 2)}\n`);
    if (read.kind === "read") copyOwner(target, { to: nextPath });
    fsyncSync(next);
    renameSync(nextPath, target);
    isInPlace = true;
    return { kind: "added" };
  } finally {
    closeSync(next);
    // After the rename a file of this name is another process's.
    if (!isInPlace) rmSync(nextPath, { force: true });
  }
}

/** A link stays a link: what it points to is replaced. */
function toTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The file that takes the old one's place; while it is there nobody else makes one. */
function openNext(path: string): number | null {
  try {
    return openSync(path, "wx", 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return null;
    throw error;
  }
}

function copyOwner(path: string, { to }: { to: string }): void {
  const { uid, gid, mode } = statSync(path);
  const own = statSync(to);
  if (own.uid !== uid || own.gid !== gid) chownSync(to, uid, gid);
  chmodSync(to, mode & 0o770);
}
