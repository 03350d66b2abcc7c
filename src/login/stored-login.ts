import { createHash } from "node:crypto";
import { z } from "zod";

/** A login as it is kept, by what it is good for. */
export type StoredLogin = ApiKeyLogin | ChatGptLogin;

export type ApiKeyLogin = { kind: "api-key"; apiKey: string };

export type ChatGptLogin = {
  kind: "chatgpt";
  accessToken: string;
  refreshToken: string;
  /** The account that requests are made for; null when the file names none. */
  accountId: string | null;
  idToken: string | null;
  /** End of the access token, in milliseconds since 1970; null when it does not say. */
  expiresAtMs: number | null;
  /** When the tokens were made, in milliseconds since 1970; null when unknown. */
  refreshedAtMs: number | null;
  /** The whole file, with what we do not know in it. */
  content: Readonly<Record<string, unknown>>;
};

/** What is wrong with a login that was read, in a sentence without anything of what it holds. */
export class UnreadableLoginError extends Error {
  override readonly name = "UnreadableLoginError";
}

/** New tokens of a ChatGPT login; what the token server leaves out stays as it was. */
export const RenewedTokens = z.object({
  access_token: z.string().regex(/^[\u0021-\u007e]+$/),
  refresh_token: z.string().min(1).nullish(),
  id_token: z.string().nullish(),
});
export type RenewedTokens = z.infer<typeof RenewedTokens>;

const HeaderValue = z.string().regex(/^[\u0021-\u007e]+$/);
const Content = z.record(z.string(), z.unknown());
const Mode = z.object({ auth_mode: z.string().nullish(), OPENAI_API_KEY: z.string().nullish() });
const ChatGptContent = z.object({
  tokens: z.looseObject({
    access_token: HeaderValue,
    refresh_token: z.string().min(1),
    account_id: HeaderValue.nullish(),
    id_token: z.string().nullish().catch(null),
  }),
  last_refresh: z.string().nullish().catch(null),
});
const Claims = z.object({ exp: z.number() });

/**
 * Reads what `codex login` writes to `auth.json`. Without `auth_mode` an API key comes first, as for Codex itself
 * (openai/codex, codex-rs/login/src/auth/manager.rs, `resolved_mode`). Throws `UnreadableLoginError`.
 */
export function parseLogin(text: string): StoredLogin {
  const content = Content.safeParse(parseJson(text));
  if (!content.success) throw new UnreadableLoginError("it is not the JSON that `codex login` writes");
  const mode = Mode.safeParse(content.data);
  if (!mode.success) throw new UnreadableLoginError("its auth_mode or OPENAI_API_KEY is not a text");

  const { auth_mode: named, OPENAI_API_KEY: apiKey } = mode.data;
  switch (named ?? (apiKey ? "apikey" : "chatgpt")) {
    case "apikey":
      return parseApiKey(apiKey);
    case "chatgpt":
      return parseChatGpt(content.data);
    default:
      throw new UnreadableLoginError(
        "it holds a kind of login that is not supported: neither ChatGPT's nor an API key",
      );
  }
}

function parseApiKey(apiKey: string | null | undefined): ApiKeyLogin {
  const key = HeaderValue.safeParse(apiKey?.trim());
  if (!key.success) throw new UnreadableLoginError("it holds no API key that could be sent");
  return { kind: "api-key", apiKey: key.data };
}

function parseChatGpt(content: Record<string, unknown>): ChatGptLogin {
  const parsed = ChatGptContent.safeParse(content);
  if (!parsed.success) throw new UnreadableLoginError("it holds no complete set of tokens");
  const { tokens, last_refresh: refreshedAt } = parsed.data;
  const refreshedAtMs = Date.parse(refreshedAt ?? "");
  return {
    kind: "chatgpt",
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    accountId: tokens.account_id ?? null,
    idToken: tokens.id_token ?? null,
    expiresAtMs: readExpiry(tokens.access_token),
    refreshedAtMs: Number.isNaN(refreshedAtMs) ? null : refreshedAtMs,
    content,
  };
}

/** The file's text with new tokens in it; everything else in it stays. */
export function toRenewedText(
  login: ChatGptLogin,
  { tokens, nowMs }: { tokens: RenewedTokens; nowMs: number },
): string {
  const renewed = Object.entries(tokens).filter(([, value]) => value != null);
  const old = Content.parse(login.content["tokens"]);
  const content = {
    ...login.content,
    tokens: { ...old, ...Object.fromEntries(renewed) },
    last_refresh: new Date(nowMs).toISOString(),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Names a login without telling anything of it. */
export function toFingerprint({ refreshToken }: ChatGptLogin): string {
  return createHash("sha256").update(refreshToken).digest("hex").slice(0, 24);
}

/** Everything in a login that must not be seen anywhere. */
export function listSecrets(login: StoredLogin): string[] {
  if (login.kind === "api-key") return [login.apiKey];
  const { accessToken, refreshToken, idToken } = login;
  return idToken === null ? [accessToken, refreshToken] : [accessToken, refreshToken, idToken];
}

/** The `exp` of a JSON Web Token (RFC 7519, 4.1.4), in milliseconds. Its signature is the model API's business. */
function readExpiry(token: string): number | null {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
  const claims = Claims.safeParse(parseJson(payload));
  return claims.success ? claims.data.exp * 1000 : null;
}

/** Undefined for what is no JSON: the parser's own error would quote the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
