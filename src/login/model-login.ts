import { homedir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../logger.ts";
import type { Mask } from "../masking/mask.ts";
import { RunError } from "../run/failure.ts";
import { createFileKeeper, type LockFile } from "./keep-in-file.ts";
import { createVaultKeeper } from "./keep-in-vault.ts";
import { LoginEndedError, toMissingError, toRefusedError } from "./login-error.ts";
import type { LoginKeeper } from "./login-keeper.ts";
import type { LoginVault } from "./login-vault.ts";
import { renewLogin } from "./renew-login.ts";
import { listSecrets, type ChatGptLogin, type StoredLogin } from "./stored-login.ts";
import { TOKEN_URL, type RefreshReason } from "./token-server.ts";

/** How requests to the model API are paid for, and where they go. `none`: an API of one's own that asks for no key. */
export type ModelAccount = { kind: "api-key" | "chatgpt" | "none"; baseUrl: string };

/** The credentials of the model API. They stay in this process and in the place they are kept. */
export type ModelLogin = {
  /** What is used now, without renewing anything. Rejects with `model-auth` when it cannot be used, with the reason. */
  account(): Promise<ModelAccount>;
  /**
   * The headers that carry the key of one request, made new first when they are about to end. Rejects with `model-auth`
   * when there is none or it has ended, with `model-unavailable` when it could not be renewed now.
   */
  authorization(): Promise<Record<string, string>>;
  /**
   * To be called when the model API answered 401 to these headers. `renewed`: `authorization()` has others now, made by
   * somebody else or by one refresh. `ended`: there are no others. Rejects like `authorization()`.
   */
  refused(headers: Readonly<Record<string, string>>): Promise<"renewed" | "ended">;
  /** All secrets seen so far, for masks that were made before. */
  secrets(): string[];
};

export type ModelLoginOptions = {
  /** OPENAI_API_KEY; it goes before any login. */
  apiKey: string | null;
  /** OPENAI_BASE_URL; null when it is not set. */
  baseUrl: string | null;
  /**
   * CODEX_AUTH_PATH; null when it is not set. Then it is Codex's own file, and that only for OpenAI's own API: nobody's
   * ChatGPT login goes to another address unasked.
   */
  authPath: string | null;
  lockFile: LockFile;
  /** Where many machines keep the login, and a secret that they share to seal it with. Default: in its file. */
  shared?: { vault: LoginVault; keyMaterial: string } | null;
  tokenUrl?: string;
  /** Learns every secret before it is used. */
  mask?: Mask;
  logger?: Logger;
  /** Folder of the user that Codex's own file is in. */
  homePath?: string;
  /** Milliseconds since 1970. */
  nowMs?: () => number;
};

const API_URL = "https://api.openai.com/v1";
/** What Codex asks with a ChatGPT login. */
const CHATGPT_URL = "https://chatgpt.com/backend-api/codex";

/** A token with less left is renewed before it is used. */
const MIN_LEFT_MS = 60_000;
/** When a token is refused that is not older than this, another one would be refused too. */
const FRESH_MS = 60_000;

/**
 * Finds the credentials of the model API: the API key, or else the login that `codex login` left. What is kept is read for
 * every request, so a login made anew is used at once, and what another process renewed too.
 */
export function createModelLogin(options: ModelLoginOptions): ModelLogin {
  const { apiKey, baseUrl, nowMs = Date.now } = options;
  const keeper = createKeeper(options);
  const learn = createLearner(options);
  if (apiKey !== null) learn({ kind: "api-key", apiKey });

  const find = async (): Promise<StoredLogin | null> => {
    if (apiKey !== null) return { kind: "api-key", apiKey };
    const login = (await keeper?.read()) ?? null;
    if (login === null && options.authPath !== null) throw toMissingError();
    return learn(login);
  };
  const renew = createRenewer(keeper, { ...options, nowMs, learn });

  return {
    async account() {
      const login = await find();
      return { kind: login?.kind ?? "none", baseUrl: baseUrl ?? (login?.kind === "chatgpt" ? CHATGPT_URL : API_URL) };
    },
    async authorization() {
      const login = await find();
      if (login?.kind !== "chatgpt" || !endsWithin(MIN_LEFT_MS, { login, nowMs })) return toHeaders(login);
      try {
        return toHeaders(await renew(login, "proactive_expiry"));
      } catch (error) {
        const isPassing = error instanceof RunError && error.failure.reason === "model-unavailable";
        if (isPassing && !endsWithin(0, { login, nowMs })) return toHeaders(login);
        throw error;
      }
    },
    async refused(headers) {
      const login = await find();
      if (toHeaders(login)["authorization"] !== headers["authorization"]) return "renewed";
      if (login?.kind !== "chatgpt") return "ended";
      const ageMs = nowMs() - (login.refreshedAtMs ?? 0);
      if (ageMs >= 0 && ageMs < FRESH_MS) throw toRefusedError();
      await renew(login, "unauthorized_recovery");
      return "renewed";
    },
    secrets: () => learn.secrets(),
  };
}

function createKeeper({
  apiKey,
  authPath,
  baseUrl,
  homePath,
  lockFile,
  shared,
}: ModelLoginOptions): LoginKeeper | null {
  if (apiKey !== null || (authPath === null && baseUrl !== null)) return null;
  const path = authPath ?? join(homePath ?? homedir(), ".codex", "auth.json");
  return shared == null
    ? createFileKeeper(path, { lockFile })
    : createVaultKeeper(shared.vault, { keyMaterial: shared.keyMaterial, seedPath: path });
}

type Learn = (<Login extends StoredLogin | null>(login: Login) => Login) & { secrets(): string[] };

/** Remembers the secrets of every login that is seen, and has them masked from then on. */
function createLearner({ mask }: ModelLoginOptions): Learn {
  const known = new Set<string>();
  const learn = <Login extends StoredLogin | null>(login: Login): Login => {
    const added = login === null ? [] : listSecrets(login).filter((secret) => !known.has(secret));
    for (const secret of added) known.add(secret);
    if (added.length > 0) mask?.add(added);
    return login;
  };
  return Object.assign(learn, { secrets: () => [...known] });
}

type RenewerOptions = ModelLoginOptions & { nowMs: () => number; learn: Learn };
type Renew = (login: ChatGptLogin, reason: RefreshReason) => Promise<StoredLogin | null>;

/** All who need the same token made new wait for one refresh; a login that has ended is not asked for again. */
function createRenewer(keeper: LoginKeeper | null, options: RenewerOptions): Renew {
  const { learn, logger, nowMs, tokenUrl = TOKEN_URL } = options;
  const underWay = new Map<string, Promise<StoredLogin | null>>();
  const ended = new Map<string, LoginEndedError>();

  const begin = async (login: ChatGptLogin, reason: RefreshReason): Promise<StoredLogin | null> => {
    if (keeper === null) return login;
    try {
      const renewed = await renewLogin(keeper, { staleToken: login.accessToken, reason, tokenUrl, nowMs });
      ended.clear();
      logger?.info({ reason }, "ChatGPT login was renewed");
      return learn(renewed);
    } catch (error) {
      if (error instanceof LoginEndedError) ended.set(login.refreshToken, error);
      throw error;
    }
  };
  return (login, reason) => {
    const over = ended.get(login.refreshToken);
    if (over !== undefined) return Promise.reject(over);
    const { accessToken } = login;
    const going = underWay.get(accessToken) ?? begin(login, reason).finally(() => underWay.delete(accessToken));
    underWay.set(accessToken, going);
    return going;
  };
}

function endsWithin(ms: number, { login, nowMs }: { login: ChatGptLogin; nowMs: () => number }): boolean {
  return login.expiresAtMs !== null && login.expiresAtMs - nowMs() <= ms;
}

function toHeaders(login: StoredLogin | null): Record<string, string> {
  if (login === null) return {};
  if (login.kind === "api-key") return { authorization: `Bearer ${login.apiKey}` };
  const { accessToken, accountId } = login;
  return {
    authorization: `Bearer ${accessToken}`,
    ...(accountId === null ? {} : { "chatgpt-account-id": accountId }),
  };
}
