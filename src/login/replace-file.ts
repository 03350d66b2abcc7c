import { lstat, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { checkPrivate } from "./check-file.ts";
import { parseLogin, toFingerprint, type ChatGptLogin, type StoredLogin } from "./stored-login.ts";

/**
 * How a login in a file is replaced. `<file>.after-<fingerprint of the old login>` is made before the refresh is sent, as
 * large as the answer may get and all blank: the disk has room for it, and what is left of it after a crash says that the
 * refresh was begun. The answer is written into it and it is given the file's name, so the file is whole at every moment,
 * and a crash in between loses nothing.
 */
export type Replacement = {
  /** Writes the text and gives it the file's name. It is on disk when this resolves. */
  finish(text: string): Promise<void>;
  discard(): Promise<void>;
};

/** What an earlier process left behind, for the login that is in the file now. */
export type Leftover = "nothing" | "begun" | "adopted";

const SPARE_BYTES = 16 * 1024;

/** Makes the room for a login that takes the place of this one. Rejects when the folder or the disk does not allow it. */
export async function beginReplacement(path: string, { login }: { login: ChatGptLogin }): Promise<Replacement> {
  const nextPath = toNextPath(path, login);
  await rm(nextPath, { force: true });
  const bytes = Buffer.byteLength(JSON.stringify(login.content, null, 2)) + SPARE_BYTES;
  await writeSynced(nextPath, { text: " ".repeat(bytes), flags: "wx" });
  await syncFolder(path);
  return {
    async finish(text) {
      await writeSynced(nextPath, { text, flags: "r+" });
      await rename(nextPath, path);
      await syncFolder(path);
    },
    discard: () => rm(nextPath, { force: true }),
  };
}

/**
 * Finishes or clears away what a process that died had begun; only for the one that holds the lock. A renewed login that
 * was written to its end takes its place now.
 */
export async function settleReplacements(path: string, { login }: { login: StoredLogin | null }): Promise<Leftover> {
  const current = login?.kind === "chatgpt" ? toNextPath(path, login) : null;
  let leftover: Leftover = "nothing";
  for (const name of await readdir(dirname(path))) {
    const found = join(dirname(path), name);
    if (!name.startsWith(`${basename(path)}.after-`)) continue;
    if (found !== current) await rm(found, { force: true });
    else leftover = await settle(found, { path });
  }
  return leftover;
}

async function settle(nextPath: string, { path }: { path: string }): Promise<Leftover> {
  const stats = await lstat(nextPath);
  const isOurs = checkPrivate(stats) === null && stats.uid === (process.geteuid?.() ?? stats.uid);
  if (!isOurs || !(await isWhole(nextPath))) return "begun";
  await rename(nextPath, path);
  await syncFolder(path);
  return "adopted";
}

async function isWhole(nextPath: string): Promise<boolean> {
  try {
    return parseLogin(await readFile(nextPath, "utf8")).kind === "chatgpt";
  } catch {
    return false;
  }
}

function toNextPath(path: string, login: ChatGptLogin): string {
  return `${path}.after-${toFingerprint(login)}`;
}

async function writeSynced(path: string, { text, flags }: { text: string; flags: "wx" | "r+" }): Promise<void> {
  await using file = await open(path, flags, 0o600);
  const bytes = Buffer.from(text, "utf8");
  await file.writeFile(bytes);
  await file.truncate(bytes.length);
  await file.sync();
}

/** A new name is on disk only when its folder is (fsync(2)). */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}
