import { z } from "zod";
import { type ApiAnswer, refuse, refuseUnknown } from "./exchange.ts";
import type { AppPermissions, TokenBook } from "./identity.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { REPOSITORY_ID_OFFSET, toAccount } from "./presentation.ts";
import type { Route, RouteCall } from "./routes.ts";
import { APP, BOT, ORGANIZATION, type Person, type RepositorySeed } from "./seeds.ts";

export type AppRoutesOptions = {
  tokens: TokenBook;
  people: Person[];
  repositories: RepositorySeed[];
  /** How long an installation token is good for, in milliseconds. */
  tokenLifetimeMs: number;
  now: () => number;
};

/** What the API tells about the App, its installation, its tokens, and accounts. */
export function createAppRoutes(options: AppRoutesOptions): Route[] {
  const anyInstallation = (call: RouteCall): Promise<ApiAnswer> => readInstallation(call);
  return [
    { method: "GET", path: "/app", handle: (call) => readOwnApp(call) },
    { method: "GET", path: "/apps/{slug}", handle: (call) => readApp(call) },
    { method: "GET", path: "/app/installations/{id}", handle: anyInstallation },
    { method: "GET", path: "/repos/{owner}/{repo}/installation", handle: anyInstallation },
    { method: "GET", path: "/orgs/{org}/installation", handle: anyInstallation },
    { method: "GET", path: "/users/{user}/installation", handle: anyInstallation },
    { method: "POST", path: "/app/installations/{id}/access_tokens", handle: (call) => issueToken(call, options) },
    { method: "GET", path: "/installation/repositories", handle: (call) => listRepositories(call) },
    { method: "GET", path: "/users/{login}", handle: (call) => readUser(call, options) },
    { method: "GET", path: "/repos/{owner}/{repo}", handle: (call) => readRepository(call) },
  ];
}

async function readOwnApp(call: RouteCall): Promise<ApiAnswer> {
  if (call.request.caller.kind !== "app") return refuse(401, "A JSON web token could not be decoded");
  return { status: 200, body: { ...toAppBody(call.origin), installations_count: 1 } };
}

async function readApp(call: RouteCall): Promise<ApiAnswer> {
  return call.params["slug"] === APP.slug ? { status: 200, body: toAppBody(call.origin) } : refuseUnknown();
}

async function readInstallation(call: RouteCall): Promise<ApiAnswer> {
  const { caller, path } = call.request;
  if (caller.kind !== "app") return refuse(401, "A JSON web token could not be decoded");
  const answer = await call.forward({ method: "GET", path });
  if (answer.status !== 200 || !isJsonObject(answer.body)) return answer;
  return { status: 200, body: { ...answer.body, client_id: "Iv23liDemoDemoDemo", target_id: ORGANIZATION.id } };
}

const TokenRequest = z.object({
  repository_ids: z.array(z.number()).optional(),
  repositories: z.array(z.string()).optional(),
});
const IssuedToken = z.looseObject({ token: z.string(), permissions: z.record(z.string(), z.enum(["read", "write"])) });

async function issueToken(call: RouteCall, options: AppRoutesOptions): Promise<ApiAnswer> {
  const { request } = call;
  if (request.caller.kind !== "app") return refuse(401, "A JSON web token could not be decoded");
  const body: JsonObject = isJsonObject(request.body) ? { ...request.body } : {};
  const wanted = TokenRequest.safeParse(body);
  if (!wanted.success) return refuse(422, "Invalid request.");
  const { repository_ids: ids } = wanted.data;
  if (ids !== undefined) body["repository_ids"] = ids.map((id) => id - REPOSITORY_ID_OFFSET);
  const answer = await call.forward({ method: "POST", path: request.path, body });
  if (answer.status !== 201) return answer;
  const issued = IssuedToken.parse(answer.body);
  const expiresAtMs = options.now() + options.tokenLifetimeMs;
  const permissions: AppPermissions = { metadata: "read", ...issued.permissions };
  const chosen = ids !== undefined || wanted.data.repositories !== undefined;
  options.tokens.add({
    kind: "installation",
    token: issued.token,
    permissions,
    repositories: chosen ? namesOf(answer.body) : options.repositories.map((one) => one.name).filter(isInstalledOn),
    expiresAtMs,
  });
  const expiresAt = new Date(expiresAtMs).toISOString().replace(/\.\d+Z$/, "Z");
  const given: JsonObject = isJsonObject(answer.body) ? answer.body : {};
  const { repositories: _short, ...rest } = given;
  const repositories = chosen ? { repositories: await readAll(call, namesOf(answer.body)) } : {};
  return { status: 201, body: { ...rest, expires_at: expiresAt, permissions, ...repositories } };
}

function namesOf(body: ApiAnswer["body"]): string[] {
  const { repositories } = z.object({ repositories: z.array(z.object({ full_name: z.string() })) }).parse(body);
  return repositories.map((repository) => repository.full_name);
}

function isInstalledOn(name: string): boolean {
  return name.startsWith(`${ORGANIZATION.login}/`);
}

async function listRepositories(call: RouteCall): Promise<ApiAnswer> {
  const { caller } = call.request;
  if (caller.kind !== "installation")
    return refuse(
      403,
      "You must authenticate with an installation access token in order to list repositories for an installation.",
    );
  const repositories = await readAll(call, caller.repositories);
  return { status: 200, body: { total_count: repositories.length, repository_selection: "all", repositories } };
}

async function readAll(call: RouteCall, names: string[]): Promise<Json[]> {
  const answers = await Promise.all(names.map((name) => call.forward({ method: "GET", path: `/repos/${name}` })));
  return answers.map((answer) => (isJsonObject(answer.body) ? answer.body : null));
}

async function readRepository(call: RouteCall): Promise<ApiAnswer> {
  const answer = await call.forward({ method: "GET", path: call.request.path });
  if (answer.status !== 200 || !isJsonObject(answer.body)) return answer;
  return { status: 200, body: { ...answer.body, network_count: 0, subscribers_count: 1 } };
}

async function readUser(call: RouteCall, options: AppRoutesOptions): Promise<ApiAnswer> {
  const login = call.params["login"]?.toLowerCase();
  const person = [...options.people, BOT].find((one) => one.login.toLowerCase() === login);
  if (person === undefined) return refuseUnknown();
  const profile = {
    name: person.name,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
  };
  const counts = { public_repos: 0, public_gists: 0, followers: 0, following: 0, twitter_username: null };
  const times = { created_at: "2024-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" };
  return { status: 200, body: { ...toAccount(person, call.origin), ...profile, ...counts, ...times } };
}

/** The App as GitHub shows it. */
export function toAppBody(origin: string): JsonObject {
  return {
    id: APP.id,
    slug: APP.slug,
    client_id: "Iv23liDemoDemoDemo",
    node_id: Buffer.from(`App:${APP.id}`).toString("base64"),
    owner: toAccount({ ...ORGANIZATION, type: "Organization" }, origin),
    name: APP.name,
    description: "Turns /codex comments into pull requests.",
    external_url: origin,
    html_url: `${origin}/apps/${APP.slug}`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    permissions: { ...APP.permissions },
    events: [...APP.events],
  };
}
