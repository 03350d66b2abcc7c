import { chmodSync, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { createHash } from "node:crypto";

export type TreeFile = { path: Buffer; found: BigIntStats };

/**
 * Opens a file that a stranger left, and only that: no link is followed, a pipe does not block, and what was opened is
 * what `lstat` saw. `use` gets the descriptor. Throws when it is not the same.
 */
function withTreeFile<T>({ path, found }: TreeFile, { use }: { use: (descriptor: number) => T }): T {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const opened = fstatSync(descriptor, { bigint: true });
    if (!opened.isFile() || opened.ino !== found.ino || opened.dev !== found.dev || opened.size !== found.size) {
      throw new Error("the file changed while it was read");
    }
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The same file, which we may read now: without root the host is the container's user, and may give itself the right that the
 * agent took away. Only for a tree whose container is gone.
 */
export function openUp(file: TreeFile): TreeFile {
  if ((file.found.mode & 0o400n) === 0n) chmodSync(file.path, 0o600);
  return file;
}

/** The file's bytes, as many as `lstat` saw; the caller has checked that they are not too many. */
export function readTreeFile(file: TreeFile): Buffer {
  const bytes = Buffer.allocUnsafe(Number(file.found.size));
  withTreeFile(file, { use: (descriptor) => fill(descriptor, { bytes }) });
  return bytes;
}

/** The name git gives to a file of any length, without holding it in memory. */
export function hashTreeFile(file: TreeFile): string {
  const hash = createHash("sha1").update(`blob ${file.found.size}\0`);
  const bytes = Buffer.allocUnsafe(1024 * 1024);
  withTreeFile(file, {
    use: (descriptor) => {
      for (let left = Number(file.found.size); left > 0; left -= bytes.length) {
        const part = bytes.subarray(0, Math.min(left, bytes.length));
        fill(descriptor, { bytes: part });
        hash.update(part);
      }
    },
  });
  return hash.digest("hex");
}

/** The name git gives to these bytes as a file (its object id, SHA-1). */
export function hashBlob(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

function fill(descriptor: number, { bytes }: { bytes: Buffer }): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(descriptor, bytes, done, bytes.length - done, null);
    if (read === 0) throw new Error("the file became shorter while it was read");
    done += read;
  }
}
