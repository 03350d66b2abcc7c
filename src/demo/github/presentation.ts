import { isAtLeast, roleOf } from "./identity.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { BOT, ORGANIZATION, type Person, type RepositorySeed } from "./seeds.ts";

/** What answers are put into GitHub's terms with. */
export type Presentation = {
  /** `http://host:port`; web pages below it, the API at `/api/v3`. */
  origin: string;
  people: Person[];
  repositories: RepositorySeed[];
  /** The emulator's own base, which must not be seen. */
  upstreamUrl: string;
  /** Counts of reactions on the thing that this API path names. */
  countReactions: (path: string) => Record<string, number>;
};

/** Ids of repositories are far from those of issues and comments, so that a mix-up is noticed. */
export const REPOSITORY_ID_OFFSET = 761_000_000;

/** First segments of the API's paths; all other URLs are web pages. */
const API_ROOTS = new Set(["repos", "users", "orgs", "app", "apps", "user", "installation", "teams", "repositories"]);

/** The emulator's answer as GitHub would have worded it: its own URLs, accounts, seconds, roles and reactions. */
export function present(value: Json, how: Presentation): Json {
  if (Array.isArray(value)) return value.map((item) => present(item, how));
  if (!isJsonObject(value)) return value;
  if (typeof value["login"] === "string" && "node_id" in value)
    return presentAccount(value, { ...how, login: value["login"] });
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    result[key] = typeof item === "string" ? presentText(item, { ...how, key }) : present(item, how);
  }
  if (typeof value["full_name"] === "string") Object.assign(result, presentRepository(value, how));
  if (isJsonObject(result["reactions"])) result["reactions"] = presentReactions(result["reactions"], how);
  if ("head_sha" in result && isJsonObject(result["output"]))
    result["output"] = toCheckOutput(result["output"], result);
  if ("author_association" in result) result["author_association"] = associationOf(result, how);
  return result;
}

/** GitHub's short form of an account. */
export function toAccount(account: { login: string; id: number; type: string }, origin: string): JsonObject {
  const { login, id, type } = account;
  const api = `${origin}/api/v3/users/${encodeURIComponent(login)}`;
  return {
    login,
    id,
    node_id: Buffer.from(`${type}:${id}`).toString("base64"),
    avatar_url: `${origin}/avatars/u/${id}`,
    gravatar_id: "",
    url: api,
    html_url: type === "Bot" ? `${origin}/apps/${login.replace("[bot]", "")}` : `${origin}/${login}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type,
    site_admin: false,
  };
}

/** In the short form of a pull request no label is without a description. */
export function toShortForm(pull: Json): Json {
  if (!isJsonObject(pull) || !Array.isArray(pull["labels"])) return pull;
  const labels = pull["labels"].map((label) =>
    isJsonObject(label) ? { ...label, description: label["description"] ?? "" } : label,
  );
  return { ...pull, labels };
}

/** Rewrites one URL of the emulator to the API's or the web's place; other texts stay as they are. */
export function presentUrl(url: string, { origin, upstreamUrl }: Pick<Presentation, "origin" | "upstreamUrl">): string {
  const [host = ""] = upstreamUrl.replace(/^https?:\/\//, "").split("/");
  const at = url.indexOf(host);
  if (at < 0) return url;
  const path = url.slice(at + host.length);
  const [, root = ""] = path.split(/[/?{]/);
  if (url.startsWith("git@")) return `git@${new URL(origin).hostname}${path}`;
  if (url.startsWith("git:")) return `git:${origin.slice(origin.indexOf("//"))}${path}`;
  return API_ROOTS.has(root) && !path.endsWith(".git") ? `${origin}/api/v3${path}` : `${origin}${path}`;
}

function presentText(text: string, { key, ...how }: Presentation & { key: string }): string {
  if (key.endsWith("url") || key === "href") return presentUrl(text, how);
  if (key.endsWith("_at")) return text.replace(/\.\d+Z$/, "Z");
  return text;
}

function presentAccount(value: JsonObject, { login, ...how }: Presentation & { login: string }): Json {
  const person = [...how.people, BOT].find((one) => one.login === login);
  if (person !== undefined) return { ...toAccount(person, how.origin), ...pickProfile(value) };
  return login === ORGANIZATION.login ? toAccount({ ...ORGANIZATION, type: "Organization" }, how.origin) : value;
}

/** What only the long form of an account (`GET /user`, `GET /users/x`) has. */
function pickProfile(value: JsonObject): JsonObject {
  if (!("public_repos" in value)) return {};
  const names = ["name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username", "public_repos"];
  const counts = ["public_gists", "followers", "following", "created_at", "updated_at"];
  return Object.fromEntries([...names, ...counts].map((name) => [name, value[name] ?? null]));
}

function presentRepository(value: JsonObject, how: Presentation): JsonObject {
  const seed = how.repositories.find((repository) => repository.name === value["full_name"]);
  const id = typeof value["id"] === "number" ? value["id"] + REPOSITORY_ID_OFFSET : null;
  return {
    id,
    node_id: Buffer.from(`Repository:${id}`).toString("base64"),
    private: seed?.visibility === "private",
    ...("visibility" in value ? { visibility: seed?.visibility ?? "public" } : {}),
    web_commit_signoff_required: false,
    custom_properties: {},
    ...("hooks_url" in value ? { deployments_url: `${how.origin}/api/v3/repos/${seed?.name}/deployments` } : {}),
  };
}

function presentReactions(reactions: JsonObject, how: Presentation): JsonObject {
  const url = typeof reactions["url"] === "string" ? reactions["url"] : "";
  const counts = how.countReactions(url.slice(`${how.origin}/api/v3`.length));
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { ...reactions, ...counts, total_count: total };
}

/** The text of a check run; the emulator leaves out what nobody set. */
function toCheckOutput(output: JsonObject, check: JsonObject): JsonObject {
  const nothing = { title: null, summary: null, text: null, annotations_count: 0 };
  return { ...nothing, ...output, annotations_url: `${String(check["url"])}/annotations` };
}

function associationOf(value: JsonObject, how: Presentation): string {
  const login = isJsonObject(value["user"]) ? value["user"]["login"] : null;
  const url = typeof value["url"] === "string" ? value["url"] : "";
  const repository = how.repositories.find(({ name }) => url.includes(`/repos/${name}/`));
  if (typeof login !== "string" || repository === undefined) return "NONE";
  if (repository.name.startsWith(`${login}/`)) return "OWNER";
  return isAtLeast(roleOf(login, repository), "read") ? "COLLABORATOR" : "NONE";
}
