import { randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";

const KEY_BYTES = 32;

/** The key that lies in a file; null when there is none. */
export async function readSealKey(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isError(error, "ENOENT")) return null;
    throw error;
  }
}

/**
 * The key in the file, which is made, for its owner alone, when it is not there. Of several processes that make it at once
 * all get the same. On disk, whole, when it resolves.
 */
export async function makeSealKey(path: string): Promise<string> {
  const known = await readSealKey(path);
  if (known !== null) return known;
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    await write(draft, { text: randomBytes(KEY_BYTES).toString("base64url") });
    await link(draft, path);
  } catch (error) {
    if (!isError(error, "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
  return readFile(path, "utf8");
}

async function write(path: string, { text }: { text: string }): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(text);
  await file.sync();
}

/** A new name is on disk only when its folder is (fsync(2)). */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

function isError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
