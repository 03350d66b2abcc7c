import { open, realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../run/failure.ts";
import { checkPrivate, checkReplaceable } from "./check-file.ts";
import { MEND_LOCK, MEND_OWNER, MEND_READ_ONLY, toUnavailableError, toUnusableError } from "./login-error.ts";
import type { HeldLogin, LoginKeeper } from "./login-keeper.ts";
import { beginReplacement, settleReplacements, type Replacement } from "./replace-file.ts";
import { parseLogin, toFingerprint, UnreadableLoginError, type StoredLogin } from "./stored-login.ts";

/**
 * Waits until no other process holds the lock that this file stands for, at most so long. Disposing lets the next one in;
 * so does the end of the process, however it ends. Rejects when the time is up.
 */
export type LockFile = (path: string, options: { waitMs: number }) => Promise<Disposable>;

export type KeepInFileOptions = { lockFile: LockFile; waitMs?: number };

/** Longer than a refresh with all its retries takes. */
const LOCK_WAIT_MS = 75_000;
/** Codex writes the file in place, so a reader can find half of it. */
const READ_TRIES = 5;
const READ_WAIT_MS = 60;

/**
 * Keeps a login in the file that `codex login` wrote. A symbolic link is followed: the file it leads to is checked,
 * locked and replaced, and the link stays. The lock is beside it, as `<file>.lock`, and there for all processes that see
 * the file.
 */
export function createFileKeeper(path: string, { lockFile, waitMs = LOCK_WAIT_MS }: KeepInFileOptions): LoginKeeper {
  const read = async (): Promise<StoredLogin | null> => (await readLoginFile(path, { use: "renew" }))?.login ?? null;
  return {
    read,
    async hold(body) {
      const found = await readLoginFile(path, { use: "renew" });
      if (found === null || found.login.kind !== "chatgpt") return body(toUntouched(found?.login ?? null, { read }));

      using _lock = await lockFile(`${found.realPath}.lock`, { waitMs }).catch((cause: unknown) => {
        const code = toCode(cause);
        if (code !== "unknown")
          throw toUnusableError(`its folder cannot be locked (${code})`, { cause, mend: MEND_LOCK });
        throw toUnavailableError("another process did not finish renewing it in time", { cause });
      });
      const leftover = await settleReplacements(found.realPath, { login: await read() });
      const login = await read();
      return await body(toHeld(found.realPath, { login, wasCut: leftover === "begun", read }));
    },
  };
}

type Look = { read: () => Promise<StoredLogin | null> };

/** Nothing to renew is in the file, so nothing will be asked of it but to look. */
function toUntouched(login: StoredLogin | null, { read }: Look): HeldLogin {
  const refuse = async (): Promise<never> => {
    throw toUnusableError("it is no ChatGPT login");
  };
  return { login, wasCut: false, look: read, begin: refuse, save: refuse, forget: async () => {} };
}

type HeldOptions = Look & { login: StoredLogin | null; wasCut: boolean };

function toHeld(path: string, { login, wasCut, read }: HeldOptions): HeldLogin {
  let replacement: Replacement | null = null;
  let begunFor: string | null = null;
  return {
    login,
    wasCut,
    look: read,
    async begin(old) {
      try {
        replacement = await beginReplacement(path, { login: old });
        begunFor = toFingerprint(old);
      } catch (cause) {
        throw toUnusableError(`a renewed one could not be saved beside its file (${toCode(cause)})`, {
          cause,
          mend: MEND_READ_ONLY,
        });
      }
    },
    async forget() {
      await replacement?.discard();
    },
    async save(text) {
      const now = await read().catch(() => "unreadable" as const);
      // Somebody logged in, or out, while we asked: that is newer than what we have.
      if (now !== "unreadable" && (now?.kind !== "chatgpt" || toFingerprint(now) !== begunFor)) {
        await replacement?.discard();
        return now;
      }
      try {
        await replacement?.finish(text);
      } catch (cause) {
        throw toUnusableError(`the renewed one could not be saved (${toCode(cause)})`, { cause });
      }
      return parseLogin(text);
    },
  };
}

type FoundFile = { realPath: string; login: StoredLogin };

/**
 * Reads a login from a file; null when there is no file. Rejects with `model-auth` when others could read it, when it is
 * no login, and, to `renew` it, when it could not be replaced.
 */
export async function readLoginFile(path: string, { use }: { use: "renew" | "seed" }): Promise<FoundFile | null> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(path, { use });
    } catch (error) {
      if (error instanceof RunError) throw error;
      if (toCode(error) === "ENOENT") return null;
      if (!(error instanceof UnreadableLoginError))
        throw toUnusableError(`its file cannot be read (${toCode(error)})`, { cause: error, mend: MEND_OWNER });
      if (tries === READ_TRIES) throw toUnusableError(error.message);
      await sleep(READ_WAIT_MS);
    }
  }
}

async function readOnce(path: string, { use }: { use: "renew" | "seed" }): Promise<FoundFile> {
  const realPath = await realpath(path);
  await using file = await open(realPath, "r");
  const stats = await file.stat();
  const shared = checkPrivate(stats);
  if (shared !== null) throw shared;

  const login = parseLogin(await file.readFile("utf8"));
  const stuck = use === "renew" && login.kind === "chatgpt" ? await checkReplaceable(realPath, { stats }) : null;
  if (stuck !== null) throw stuck;
  return { realPath, login };
}

function toCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
