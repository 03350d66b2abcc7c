import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import { isAtLeast, roleOf } from "./identity.ts";
import { isJsonObject, toJsonObject } from "./json.ts";
import { checkLength } from "./people-routes.ts";
import type { Route, RouteCall } from "./routes.ts";
import { ORGANIZATION, type Person } from "./seeds.ts";

export type TalkRoutesOptions = {
  /** The routes that make and show comments on lines. */
  comments: Route[];
  people: Person[];
  /** Logins by `organisation/team`. */
  teams: Record<string, string[]>;
};

/** What people say to each other on a line, and who is in which team. */
export function createTalkRoutes(options: TalkRoutesOptions): Route[] {
  const pulls = "/repos/{owner}/{repo}/pulls";
  return [
    {
      method: "POST",
      path: `${pulls}/{number}/comments/{id}/replies`,
      handle: (call) => reply(call, options),
    },
    { method: "PATCH", path: `${pulls}/comments/{id}`, handle: (call) => change(call, options) },
    {
      method: "GET",
      path: "/orgs/{org}/teams/{team}/memberships/{login}",
      handle: (call) => readMembership(call, options),
    },
  ];
}

type Options = Pick<TalkRoutesOptions, "comments">;

function findHandle({ comments }: Options, wanted: Pick<Route, "method" | "path">): Route["handle"] {
  const route = comments.find(({ method, path }) => method === wanted.method && path === wanted.path);
  if (route === undefined) throw new Error(`the stand-in has no ${wanted.method} ${wanted.path}`);
  return (call) => route.handle(call);
}

const COMMENT = "/repos/{owner}/{repo}/pulls/comments/{id}";

/** Only the first comment of a thread takes replies. */
async function reply(call: RouteCall, options: Options): Promise<ApiAnswer> {
  const { number = "", id = "" } = call.params;
  const [home = ""] = call.request.path.split("/pulls/");
  const above = await show(call, { ...options, path: `${home}/pulls/comments/${id}`, id });
  const { pull_request_url: pull, in_reply_to_id: replyTo = null } = toJsonObject(above.body);
  if (above.status !== 200 || !String(pull).endsWith(`/${number}`)) return refuseUnknown();
  if (replyTo !== null) {
    return refuseInvalid([{ resource: "PullRequestReviewComment", field: "in_reply_to", code: "invalid" }]);
  }
  const create = findHandle(options, { method: "POST", path: "/repos/{owner}/{repo}/pulls/{number}/comments" });
  const { body } = toJsonObject(call.request.body);
  const path = `${home}/pulls/${number}/comments`;
  return create({ ...call, request: { ...call.request, path, body: { body: body ?? null, in_reply_to: Number(id) } } });
}

function show(call: RouteCall, { path, id, ...options }: Options & { path: string; id: string }): Promise<ApiAnswer> {
  const handle = findHandle(options, { method: "GET", path: COMMENT });
  return handle({ ...call, params: { ...call.params, id }, request: { ...call.request, method: "GET", path } });
}

/** Comments are changed by who wrote them and by people with write access; Apps change those of others, too. */
async function change(call: RouteCall, options: Options): Promise<ApiAnswer> {
  const { request, repository } = call;
  const { path, body, caller } = request;
  if (!call.may(["pull_requests"], "write")) return refuse(403, "Resource not accessible by integration");
  const current = await show(call, { ...options, path, id: call.params["id"] ?? "" });
  if (current.status !== 200) return current;
  const author = toJsonObject(toJsonObject(current.body)["user"])["login"];
  const isWriter =
    caller.kind !== "person" || (repository !== null && isAtLeast(roleOf(caller.login, repository), "write"));
  if (!isWriter && author !== caller.login) return refuse(403, "Must have admin rights to Repository.");
  const tooLong = checkLength(call, "PullRequestReviewComment");
  if (tooLong !== null) return tooLong;
  const changed = await call.forward({ method: "PATCH", path, body, authority: "installation" });
  if (changed.status !== 200 || !isJsonObject(changed.body)) return changed;
  return show(call, { ...options, path, id: call.params["id"] ?? "" });
}

/** Who is not in the team is unknown there, and so is a team that there is not. The App does not ask for this permission. */
async function readMembership(call: RouteCall, { people, teams }: TalkRoutesOptions): Promise<ApiAnswer> {
  const { org = "", team = "", login = "" } = call.params;
  const { caller } = call.request;
  if (caller.kind !== "installation" || caller.permissions["members"] === undefined) {
    return refuse(403, "Resource not accessible by integration");
  }
  const person = people.find((one) => one.login.toLowerCase() === login.toLowerCase());
  const members = teams[`${org}/${team}`.toLowerCase()] ?? [];
  if (org.toLowerCase() !== ORGANIZATION.login || person === undefined || !members.includes(person.login)) {
    return refuseUnknown();
  }
  const url = `${call.origin}/api/v3/orgs/${ORGANIZATION.login}/teams/${team}/memberships/${person.login}`;
  return { status: 200, body: { url, role: "member", state: "active" } };
}
