import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { createModelLogin, type ModelLogin, type ModelLoginOptions } from "../../src/login/model-login.ts";
import { lockFile } from "../../src/store/lock-file.ts";

/** An access token that ends so many seconds from now. */
export function toAccessToken(name: string, leftS: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + leftS;
  return `${part({ alg: "none" })}.${part({ exp, jti: name })}.signature-${name}`;
}

/** Matches the header of an access token by its name. */
export function bearer(name: string): unknown {
  return expect.stringMatching(new RegExp(`^Bearer [\\w-]+\\.[\\w-]+\\.signature-${name}$`));
}

export type AuthFile = {
  auth_mode?: string | null;
  OPENAI_API_KEY?: string | null;
  tokens?: Record<string, unknown>;
  last_refresh?: string;
  [unknown: string]: unknown;
};

/** What `codex login` leaves; logged in two hours ago, with so much left of its token. */
export function toChatGptFile(name: string, leftS: number, more: AuthFile = {}): AuthFile {
  return {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: `id-token-${name}`,
      access_token: toAccessToken(name, leftS),
      refresh_token: `refresh-token-${name}`,
      account_id: "account-1234",
    },
    last_refresh: new Date(Date.now() - 7_200_000).toISOString(),
    ...more,
  };
}

export type AuthFolder = AsyncDisposable & {
  folder: string;
  path: string;
  write(file: AuthFile | string): Promise<void>;
  read(): Promise<AuthFile & { tokens: Record<string, string> }>;
  mode(): Promise<number>;
};

/** A folder of its own with an `auth.json` in it. */
export async function makeAuthFolder(file?: AuthFile | string): Promise<AuthFolder> {
  const folder = await mkdtemp(join(tmpdir(), "login-"));
  const path = join(folder, "auth.json");
  const made: AuthFolder = {
    folder,
    path,
    async write(content) {
      await writeFile(path, typeof content === "string" ? content : JSON.stringify(content, null, 2), { mode: 0o600 });
      await chmod(path, 0o600);
    },
    read: async () => JSON.parse(await readFile(path, "utf8")) as AuthFile & { tokens: Record<string, string> },
    mode: async () => (await stat(path)).mode & 0o777,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  if (file !== undefined) await made.write(file);
  return made;
}

export type RefreshBody = { client_id: string; grant_type: string; refresh_token: string; refresh_reason: string };
export type TokenAnswer = (response: ServerResponse, body: RefreshBody) => void | Promise<void>;

export type TokenServer = AsyncDisposable & {
  url: string;
  requests: RefreshBody[];
  /** Takes the place of the usual answer: a new pair of tokens for a refresh token that was not used before. */
  answer: TokenAnswer;
  /** How much is left of the access tokens it makes, in seconds. */
  leftS: number;
};

/** A token server on loopback that takes every refresh token once, as the real one. */
export async function startTokenServer(): Promise<TokenServer> {
  const used = new Set<string>();
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await readText(request)) as RefreshBody;
    made.requests.push(body);
    await made.answer(response, body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const made: TokenServer = {
    url: `http://127.0.0.1:${port}/oauth/token`,
    requests: [],
    leftS: 3600,
    answer(response, { refresh_token }) {
      if (used.has(refresh_token)) return sendJson(response, 401, { error: { code: "refresh_token_reused" } });
      used.add(refresh_token);
      const name = `new-${used.size}`;
      sendJson(response, 200, {
        access_token: toAccessToken(name, made.leftS),
        refresh_token: `refresh-token-${name}`,
        id_token: `id-token-${name}`,
      });
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** The login as the product makes it, for a file and a token server of the test. */
export function makeLogin(path: string, tokenUrl: string, options: Partial<ModelLoginOptions> = {}): ModelLogin {
  return createModelLogin({ apiKey: null, baseUrl: null, authPath: path, tokenUrl, lockFile, ...options });
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
