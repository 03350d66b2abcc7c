import { constants, type Stats } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { RunError } from "../run/failure.ts";
import { MEND_LINKED, MEND_MOUNT, MEND_OWNER, MEND_READ_ONLY, MEND_SHARED, toUnusableError } from "./login-error.ts";

/** Says why nobody should read a login from this file; null when only its owner can. */
export function checkPrivate(stats: Stats): RunError | null {
  if (!stats.isFile()) return toUnusableError("CODEX_AUTH_PATH is not a file");
  if ((stats.mode & 0o077) === 0) return null;
  return toUnusableError("its file can be read by other users of this machine", { mend: MEND_SHARED });
}

/**
 * Says why a login in this file could not be replaced by a renewed one; null when it could. A refresh token is used up by
 * the first refresh, so this is known before one is sent. `path` is free of symbolic links.
 */
export async function checkReplaceable(path: string, { stats }: { stats: Stats }): Promise<RunError | null> {
  if (stats.uid !== (process.geteuid?.() ?? stats.uid))
    return toUnusableError("its file belongs to another user", { mend: MEND_OWNER });
  if ((stats.mode & 0o200) === 0) return toUnusableError("its file is read-only", { mend: MEND_READ_ONLY });
  if (stats.nlink > 1)
    return toUnusableError("its file has a second name (a hard link), which would keep the old tokens", {
      mend: MEND_LINKED,
    });
  const closed = (await findClosed(path)) ?? (await findClosed(dirname(path)));
  if (closed !== null) return toUnusableError(closed, { mend: MEND_READ_ONLY });
  if (await isMountPoint(path))
    return toUnusableError("its file is mounted by itself, so it cannot be replaced", { mend: MEND_MOUNT });
  return null;
}

async function findClosed(path: string): Promise<string | null> {
  try {
    await access(path, constants.W_OK);
    return null;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "EROFS") return "its file is on a read-only mount";
    return `its file or folder cannot be written (${code})`;
  }
}

/** Whether something is mounted at just this path (proc(5), `mountinfo`); a rename onto it would fail. */
async function isMountPoint(path: string): Promise<boolean> {
  try {
    const mounts = await readFile("/proc/self/mountinfo", "utf8");
    return mounts.split("\n").some((line) => unescapeOctal(line.split(" ")[4] ?? "") === path);
  } catch {
    return false;
  }
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
