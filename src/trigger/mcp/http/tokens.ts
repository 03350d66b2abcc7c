import { timingSafeEqual } from "node:crypto";
import { isForeignCredential } from "../../../access/foreign-credential.ts";
import { digestToken } from "../../../access/token.ts";
import { UNNAMED, type TokenEntry } from "../../../access/token-entry.ts";
import { readTokens } from "../../../access/tokens-file.ts";
import { watchTokens } from "../../../access/watch-tokens.ts";
import { ConfigError } from "../../../config/config-error.ts";
import type { Logger } from "../../../logger.ts";
import { createPrincipal, type Principal } from "../principal.ts";

/** A caller over HTTP. His sessions are signed with `sessionKey`, so they end with his token. */
export type HttpPrincipal = Principal & { sessionKey: Buffer };

/** Knows the tokens of this server. */
export type TokenCheck = {
  /** Who sent this `Authorization` header; null = nobody whom this server knows, or no longer. */
  find(authorization: string | undefined): HttpPrincipal | null;
  /** Whether tokens are configured at all; without them there is no route for MCP. */
  hasTokens: boolean;
};

export type CreateTokenCheckOptions = {
  /** MCP_AUTH_TOKEN: good for everything. */
  authToken: string | null;
  /** MCP_TOKENS_FILE, an absolute path. Read anew when it changes. */
  tokensFile: string | null;
  workspacePath: string;
  log: Pick<Logger, "warn">;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

/** Makes the check. Throws `ConfigError` when the file of tokens cannot be used. */
export function createTokenCheck(options: CreateTokenCheckOptions): TokenCheck {
  const { authToken, tokensFile, workspacePath, clock = Date.now } = options;
  const own = authToken === null ? null : digestToken(authToken);
  const list = tokensFile === null ? () => [] : watchFile(tokensFile, options);
  return {
    hasTokens: authToken !== null || tokensFile !== null,
    find(authorization) {
      const token = toBearerToken(authorization);
      if (token === null || isForeignCredential(token)) return null;
      const digest = digestToken(token);
      if (own !== null && timingSafeEqual(own, digest)) {
        const rights = { scopes: ["run", "read", "cancel"], repositories: null, workspacePath } as const;
        return { ...createPrincipal(UNNAMED, rights), sessionKey: digest };
      }
      const entry = findEntry(list(), digest);
      if (entry === null || isExpired(entry, clock())) return null;
      const { name, scopes, repositories = null } = entry;
      return { ...createPrincipal(name, { scopes, repositories, workspacePath }), sessionKey: digest };
    },
  };
}

/** The token in `Bearer <token>` (RFC 6750, section 2.1); null when the header is not of this kind. */
export function toBearerToken(authorization: string | undefined): string | null {
  return /^Bearer +([\u0021-\u007e]{1,512})$/i.exec(authorization ?? "")?.[1] ?? null;
}

function watchFile(path: string, { log }: Pick<CreateTokenCheckOptions, "log">): () => readonly TokenEntry[] {
  const first = readTokens(path);
  if (first.kind !== "read") throw new ConfigError([{ variable: "MCP_TOKENS_FILE", problem: first.problem }]);
  const onProblem = (problem: string): void => log.warn({ problem }, "file of MCP tokens became unusable");
  return watchTokens(path, { first, onProblem });
}

/** Looks at every entry, so that the time it takes says nothing of where the token stands. */
function findEntry(entries: readonly TokenEntry[], digest: Buffer): TokenEntry | null {
  let found: TokenEntry | null = null;
  for (const entry of entries) if (timingSafeEqual(Buffer.from(entry.sha256, "hex"), digest)) found = entry;
  return found;
}

function isExpired({ expires_at: expiresAt }: TokenEntry, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
}
