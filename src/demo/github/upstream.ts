import { createSign } from "node:crypto";
import { createEmulator } from "emulate";
import type { ApiAnswer, ApiRequest } from "./exchange.ts";
import { type Json, parseJson, toJsonObject } from "./json.ts";
import { APP, ORGANIZATION, type Person, type RepositorySeed } from "./seeds.ts";

/** A call to pass on; `authorization` is the whole header, `null` for none. */
export type ForwardedCall = Pick<ApiRequest, "method" | "path"> & {
  query?: URLSearchParams;
  body?: Json | undefined;
  authorization: string | null;
};

/**
 * The emulator behind the stand-in's own handlers. It keeps issues, comments, labels, pull requests, checks and the
 * App's installation; what it lacks, or does otherwise than GitHub, is answered in front of it. It is driven by its
 * public API only: a seed at the start, HTTP afterwards.
 */
export type Upstream = AsyncDisposable & {
  /** Where its own URLs begin; they have to be rewritten before anybody sees them. */
  baseUrl: string;
  forward(call: ForwardedCall): Promise<ApiAnswer>;
  /** Authorization of the App's installation with everything it may do, for what the stand-in has to arrange itself. */
  authorizeInstallation(): Promise<string>;
  /** Makes a branch known, since the emulator invents branches otherwise and asks for a permission to do so. */
  addBranch(repository: string, branch: string): Promise<void>;
};

export type UpstreamOptions = {
  privateKey: string;
  people: Person[];
  repositories: RepositorySeed[];
  /** What the App's installation grants. */
  permissions: Record<string, string>;
  /** Tokens of people, by login. */
  tokens: Map<string, string>;
};

/** Starts the emulator on a loopback port of its own. */
export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const emulator = await createEmulator({ service: "github", port: 0, seed: toSeed(options) });
  const baseUrl = emulator.url;
  const forward = (call: ForwardedCall): Promise<ApiAnswer> => forwardCall(call, baseUrl);
  let installation: Promise<string> | undefined;
  const authorizeInstallation = (): Promise<string> =>
    (installation ??= askInstallationToken(forward, options.privateKey));
  return {
    baseUrl,
    forward,
    authorizeInstallation,
    async addBranch(repository, branch) {
      const authorization = await authorizeInstallation();
      const main = await forward({ method: "GET", path: `/repos/${repository}/branches/main`, authorization });
      const { sha = null } = toJsonObject(toJsonObject(main.body)["commit"]);
      const body = { ref: `refs/heads/${branch}`, sha };
      await forward({ method: "POST", path: `/repos/${repository}/git/refs`, body, authorization }); // 422 when known
    },
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}

/** Everything is public and open to all in the emulator: who may see and do what is decided in front of it. */
function toSeed({ privateKey, people, repositories, permissions, tokens }: UpstreamOptions) {
  const users = people.filter((person) => !person.login.endsWith("[bot]"));
  return {
    tokens: Object.fromEntries([...tokens].map(([login, token]) => [token, { login }])),
    github: {
      users: users.map(({ login, name }) => ({ login, name, email: `${login}@example.com` })),
      orgs: [{ login: ORGANIZATION.login, name: ORGANIZATION.name }],
      repos: repositories.map((repository) => {
        const [owner, name] = repository.name.split("/");
        return { owner, name, auto_init: true };
      }),
      apps: [
        {
          app_id: APP.id,
          slug: APP.slug,
          name: APP.name,
          private_key: privateKey,
          permissions,
          events: [...APP.events],
          installations: [
            { installation_id: APP.installationId, account: ORGANIZATION.login, repository_selection: "all" },
          ],
        },
      ],
    },
  };
}

async function askInstallationToken(forward: Upstream["forward"], privateKey: string): Promise<string> {
  const path = `/app/installations/${APP.installationId}/access_tokens`;
  const answer = await forward({ method: "POST", path, body: {}, authorization: `Bearer ${signAppToken(privateKey)}` });
  const { token } = toJsonObject(answer.body);
  if (typeof token !== "string") throw new Error(`the emulator gave no installation token: ${JSON.stringify(answer)}`);
  return `Bearer ${token}`;
}

/** A JSON web token of the App, good for one minute. */
export function signAppToken(privateKey: string, { nowMs = Date.now() }: { nowMs?: number } = {}): string {
  const nowSeconds = Math.floor(nowMs / 1000);
  const encode = (part: JsonLike): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const content = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iss: APP.id, iat: nowSeconds - 5, exp: nowSeconds + 60 })}`;
  return `${content}.${createSign("RSA-SHA256").update(content).sign(privateKey, "base64url")}`;
}
type JsonLike = Record<string, string | number>;

async function forwardCall(call: ForwardedCall, baseUrl: string): Promise<ApiAnswer> {
  const query = call.query === undefined || call.query.size === 0 ? "" : `?${call.query.toString()}`;
  const response = await fetch(`${baseUrl}${call.path}${query}`, {
    method: call.method,
    headers: {
      connection: "close", // one that was kept may be closed at the other end just as the next call goes out on it
      ...(call.authorization === null ? {} : { authorization: call.authorization }),
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  });
  const link = response.headers.get("link");
  const text = await response.text();
  return {
    status: response.status,
    headers: link === null ? {} : { link },
    body: text === "" ? null : (parseJson(text) ?? Buffer.from(text)),
  };
}
