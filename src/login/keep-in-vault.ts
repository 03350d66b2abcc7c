import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { RunError } from "../run/failure.ts";
import { readLoginFile } from "./keep-in-file.ts";
import { toUnavailableError, toUnusableError } from "./login-error.ts";
import type { HeldLogin, LoginKeeper } from "./login-keeper.ts";
import type { LoginVault, VaultEntry } from "./login-vault.ts";
import { createSeal, type Seal } from "../seal.ts";
import { parseLogin, toFingerprint, type ChatGptLogin, type StoredLogin } from "./stored-login.ts";

export type KeepInVaultOptions = {
  /** A secret that all machines share and nobody else has; the seal is made of it. */
  keyMaterial: string;
  /** The file that a login comes from: when the vault is empty, and when somebody logs in anew. Never written. */
  seedPath: string;
  waitMs?: number;
};

/** Longer than a refresh with all its retries takes. */
const LOCK_WAIT_MS = 75_000;
const WRITE_TRIES = 6;
const WRITE_WAIT_MS = 250;

const VaultContent = z.object({
  /** The login's file, as text. */
  text: z.string(),
  /** Names the login whose refresh was begun; null when none is under way. */
  begun: z.string().nullable(),
});
type VaultContent = z.infer<typeof VaultContent>;

type Opened = { entry: VaultEntry | null; login: ChatGptLogin | null; begun: string | null };

/** Keeps a ChatGPT login for many machines, sealed, in a vault that they share. */
export function createVaultKeeper(vault: LoginVault, options: KeepInVaultOptions): LoginKeeper {
  const seal = createSeal(options.keyMaterial, { purpose: "model login" });
  const { seedPath, waitMs = LOCK_WAIT_MS } = options;
  const kept = { vault, seal };
  let last: ChatGptLogin | null = null;

  return {
    async read() {
      const seed = await readSeed(seedPath);
      if (seed.login?.kind === "api-key") return seed.login;
      try {
        last = await readVault(seed, kept);
        return last;
      } catch (error) {
        // A token is good for hours: the database may be away for a while.
        if (last !== null && error instanceof RunError && error.failure.reason === "model-unavailable") return last;
        throw error;
      }
    },
    async hold(body) {
      const run = async () => {
        const { login, entry, begun } = await openVault(kept);
        return await body(toHeld({ ...kept, entry, login, begun }));
      };
      try {
        return await vault.lock(run, { waitMs });
      } catch (cause) {
        if (cause instanceof RunError) throw cause;
        throw toUnavailableError("the database that keeps it could not be used", { cause });
      }
    },
  };
}

async function readVault({ login, error }: Seed, kept: Kept): Promise<ChatGptLogin | null> {
  const opened = await openVault(kept);
  if (isNewer(login, opened)) return await plantSeed(login, kept);
  if (opened.login !== null) return opened.login;
  if (opened.entry !== null) throw toWrongKeyError();
  if (error !== null) throw error;
  return null;
}

type Kept = { vault: LoginVault; seal: Seal };

async function openVault({ vault, seal }: Kept): Promise<Opened> {
  const entry = await vault.read().catch((cause: unknown) => {
    throw toUnavailableError("the database that keeps it could not be used", { cause });
  });
  const text = entry === null ? null : seal.open(entry.value);
  if (text === null) return { entry, login: null, begun: null };
  const content = VaultContent.parse(JSON.parse(text));
  const login = parseLogin(content.text);
  return { entry, login: login.kind === "chatgpt" ? login : null, begun: content.begun };
}

type Seed = { login: StoredLogin | null; error: RunError | null };

/** The file on this machine. What is wrong with it matters only while the vault is empty. */
async function readSeed(path: string): Promise<Seed> {
  try {
    return { login: (await readLoginFile(path, { use: "seed" }))?.login ?? null, error: null };
  } catch (error) {
    if (error instanceof RunError) return { login: null, error };
    throw error;
  }
}

/** Whether somebody logged in on this machine after what the vault holds was made. */
function isNewer(seed: StoredLogin | null, { entry, login }: Opened): seed is ChatGptLogin {
  if (seed?.kind !== "chatgpt") return false;
  if (entry === null) return true;
  if (login?.refreshToken === seed.refreshToken) return false;
  const keptAtMs = login === null ? Date.parse(entry.updatedAt) : (login.refreshedAtMs ?? 0);
  return (seed.refreshedAtMs ?? 0) > keptAtMs;
}

async function plantSeed(seed: ChatGptLogin, kept: Kept): Promise<ChatGptLogin> {
  const opened = await openVault(kept);
  if (!isNewer(seed, opened)) return opened.login ?? seed;
  const written = await writeContent(
    { text: JSON.stringify(seed.content), begun: null },
    { ...kept, over: opened.entry },
  );
  return written === null ? plantSeed(seed, kept) : seed;
}

type HeldOptions = Kept & { entry: VaultEntry | null; login: ChatGptLogin | null; begun: string | null };

function toHeld({ vault, seal, entry, login, begun }: HeldOptions): HeldLogin {
  let over = entry;
  let old = login;
  const write = async (content: VaultContent): Promise<boolean> => {
    const written = await writeContent(content, { vault, seal, over });
    over = written ?? over;
    return written !== null;
  };
  const look = async () => (await openVault({ vault, seal })).login;
  return {
    login,
    wasCut: login !== null && begun === toFingerprint(login),
    look,
    async begin(login) {
      old = login;
      const noted = await write({ text: JSON.stringify(login.content), begun: toFingerprint(login) });
      if (!noted) throw toUnavailableError("another machine was renewing it at the same time");
    },
    async forget() {
      if (old !== null) await write({ text: JSON.stringify(old.content), begun: null });
    },
    async save(text) {
      while (!(await write({ text, begun: null }))) {
        const now = await openVault({ vault, seal });
        const isSame = old !== null && now.login !== null && toFingerprint(now.login) === toFingerprint(old);
        if (!isSame) return now.login;
        // Only a mark came in between, of one that took us for gone: what we have is still the newest.
        over = now.entry;
      }
      return parseLogin(text);
    },
  };
}

/** Writes with patience: what is in hand may be the only login there is. Null when somebody else wrote in between. */
async function writeContent(
  content: VaultContent,
  { vault, seal, over }: Kept & { over: VaultEntry | null },
): Promise<VaultEntry | null> {
  const value = seal.close(JSON.stringify(content));
  for (let tries = 1; ; tries++) {
    try {
      await vault.write(value, { over });
      const now = await vault.read();
      return now?.value === value ? now : null;
    } catch (cause) {
      if (tries === WRITE_TRIES) throw toUnavailableError("the database that keeps it could not be used", { cause });
      await sleep(WRITE_WAIT_MS * tries);
    }
  }
}

function toWrongKeyError(): RunError {
  return toUnusableError("the one in the database was sealed with another key than this machine has", {
    mend: "Give all machines the same WEBHOOK_SECRET and App key, or run `codex login` again.",
  });
}
