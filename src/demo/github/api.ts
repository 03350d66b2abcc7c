import type { Exchange } from "./contract.ts";
import { type ApiAnswer, type ApiRequest, refuse, refuseUnknown } from "./exchange.ts";
import type { FaultEffect, FaultList } from "./faults.ts";
import type { GitHost } from "./git-host.ts";
import { accountOf, type Caller, checkAppToken, isAllowed, isVisible, readToken, type TokenBook } from "./identity.ts";
import { type Json, parseJson, toJsonObject } from "./json.ts";
import { present, type Presentation, presentUrl } from "./presentation.ts";
import { findRoute, type Route, type RouteCall } from "./routes.ts";
import { APP, BOT, type Person, type RepositorySeed } from "./seeds.ts";
import { signAppToken, type Upstream } from "./upstream.ts";

/** One REST call that was made, for assertions. Credentials are not kept. */
export type RecordedRequest = {
  method: string;
  /** Below `/api/v3`, without the query. */
  path: string;
  query: Record<string, string>;
  body: Json | undefined;
  /** Login of the account behind the token, `app` for the App itself, `null` for nobody. */
  actor: string | null;
  status: number | "reset";
};

/** A call before anybody looked at who makes it. */
export type RawRequest = Omit<ApiRequest, "caller" | "body"> & { body: string };

export type ApiOptions = {
  origin: string;
  /** The clock of this GitHub, in milliseconds. */
  now: () => number;
  privateKey: string;
  people: Person[];
  repositories: RepositorySeed[];
  tokens: TokenBook;
  git: GitHost;
  upstream: Upstream;
  faults: FaultList;
  routes: Route[];
  presentation: Presentation;
  requests: RecordedRequest[];
  /** For the contract, which looks at them when it is asked. */
  exchanges: Exchange[];
  /** Where the stand-in itself broke down. */
  breakdowns: string[];
};

/** Answers one REST call: who asks, may they, and who knows the answer. */
export async function answerApi(raw: RawRequest, api: ApiOptions): Promise<ApiAnswer | "reset"> {
  const identified = identify(raw.headers["authorization"], api);
  const caller: Caller = identified.kind === "refused" ? { kind: "anonymous" } : identified.caller;
  const body = raw.body === "" ? undefined : parseJson(raw.body);
  const request: ApiRequest = { ...raw, path: canonicalPath(raw.path, api.repositories), body, caller };
  const record = (status: number | "reset"): void => {
    const actor = caller.kind === "app" ? "app" : (accountOf(caller, { people: api.people, bot: BOT })?.login ?? null);
    const { method, path } = request;
    api.requests.push({ method, path, query: Object.fromEntries(request.query), body, actor, status });
  };

  const early = await api.faults.take(request, "before");
  if (early !== null) {
    api.exchanges.push({ request, answer: null });
    return settle(early, record);
  }
  const answer = identified.kind === "refused" ? identified.answer : await route(request, api);
  api.exchanges.push({ request, answer });
  const late = await api.faults.take(request, "after");
  return settle(late ?? { kind: "answer", answer }, record);
}

function settle(effect: FaultEffect, record: (status: number | "reset") => void): ApiAnswer | "reset" {
  record(effect.kind === "reset" ? "reset" : effect.answer.status);
  return effect.kind === "reset" ? "reset" : effect.answer;
}

type Identified = { kind: "known"; caller: Caller } | { kind: "refused"; answer: ApiAnswer };

function identify(authorization: string | undefined, api: ApiOptions): Identified {
  if (authorization === undefined) return { kind: "known", caller: { kind: "anonymous" } };
  const token = readToken(authorization) ?? "";
  if (token.startsWith("eyJ")) {
    const problem = checkAppToken(token, { appId: APP.id, privateKey: api.privateKey, nowMs: api.now() });
    return problem === null
      ? { kind: "known", caller: { kind: "app" } }
      : { kind: "refused", answer: refuse(401, problem) };
  }
  const caller = api.tokens.find(token);
  return caller === null ? { kind: "refused", answer: refuse(401, "Bad credentials") } : { kind: "known", caller };
}

/** GitHub takes owner and name in any case. */
function canonicalPath(path: string, repositories: RepositorySeed[]): string {
  const [, owner, name] = /^\/repos\/([^/]+)\/([^/]+)/.exec(path) ?? [];
  const known = repositories.find((one) => one.name.toLowerCase() === `${owner}/${name}`.toLowerCase());
  return known === undefined ? path : `/repos/${known.name}${path.slice(`/repos/${owner}/${name}`.length)}`;
}

async function route(request: ApiRequest, api: ApiOptions): Promise<ApiAnswer> {
  const repository = api.repositories.find(({ name }) => `${request.path}/`.startsWith(`/repos/${name}/`)) ?? null;
  const isAboutApp = request.caller.kind === "app" && request.path.endsWith("/installation");
  if (
    request.path.startsWith("/repos/") &&
    !isAboutApp &&
    (repository === null || !isVisible(repository, request.caller))
  ) {
    return refuseUnknown();
  }
  const found = findRoute(api.routes, request);
  const call: RouteCall = {
    request,
    params: found?.params ?? {},
    origin: api.origin,
    repository,
    account: accountOf(request.caller, { people: api.people, bot: BOT }),
    git: api.git,
    may: (permissions, level) =>
      repository !== null &&
      isAllowed(request.caller, { repository, needs: permissions.map((permission) => ({ permission, level })) }),
    forward: async ({ authority, ...onward }) => {
      // The emulator reads another clock than this GitHub's.
      const isApp = request.caller.kind === "app";
      const own = isApp ? `Bearer ${signAppToken(api.privateKey)}` : (request.headers["authorization"] ?? null);
      const isLent = authority === "installation" && request.caller.kind === "installation";
      return await forward(
        { ...onward, authorization: isLent ? await api.upstream.authorizeInstallation() : own },
        api,
      );
    },
  };
  const { method, path, query, body } = request;
  return found === null ? await call.forward({ method, path, query, body }) : await found.route.handle(call);
}

async function forward(call: Parameters<Upstream["forward"]>[0], api: ApiOptions): Promise<ApiAnswer> {
  const answer = await api.upstream.forward(call);
  const link = answer.headers?.["link"];
  const headers =
    link === undefined ? {} : { link: link.replace(/<([^>]+)>/g, (_all, url: string) => `<${presentLink(url, api)}>`) };
  if (answer.status >= 400) return toGitHubError(answer);
  const body = Buffer.isBuffer(answer.body) ? answer.body : present(answer.body, api.presentation);
  return { status: answer.status, headers, body };
}

/** The emulator names its own documentation, or none. */
function toGitHubError({ status, body }: ApiAnswer): ApiAnswer {
  const { message, errors } = toJsonObject(body);
  const answer = refuse(status, typeof message === "string" ? message : "Not Found");
  return { status, body: { ...toJsonObject(answer.body), ...(errors === undefined ? {} : { errors }) } };
}

function presentLink(url: string, { origin, upstream }: ApiOptions): string {
  return presentUrl(url.replace("127.0.0.1", "localhost"), { origin, upstreamUrl: upstream.baseUrl });
}
