import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import { isAtLeast, roleOf } from "./identity.ts";
import { isJsonObject } from "./json.ts";
import { toAccount } from "./presentation.ts";
import type { Route, RouteCall } from "./routes.ts";
import type { Person, Role } from "./seeds.ts";

/** GitHub's own limit of comments, issues and pull requests, in characters. */
export const MAX_BODY_CHARACTERS = 65_536;

/** Who may do what, and the rules for comments that the emulator does not keep. */
export function createPeopleRoutes({ people }: { people: Person[] }): Route[] {
  const comment = "/repos/{owner}/{repo}/issues/comments/{id}";
  return [
    {
      method: "GET",
      path: "/repos/{owner}/{repo}/collaborators/{login}/permission",
      handle: (call) => readPermission(call, people),
    },
    { method: "POST", path: "/repos/{owner}/{repo}/issues", handle: (call) => write(call, "Issue") },
    {
      method: "POST",
      path: "/repos/{owner}/{repo}/issues/{number}/comments",
      handle: (call) => write(call, "IssueComment"),
    },
    { method: "POST", path: "/repos/{owner}/{repo}/issues/{number}/labels", handle: (call) => write(call, "Label") },
    { method: "PATCH", path: comment, handle: (call) => change(call) },
    { method: "DELETE", path: comment, handle: (call) => change(call) },
  ];
}

/**
 * The legacy `permission` knows admin, write, read and none; maintain counts as write, triage as read. On a public
 * repository everybody with an account has read; on a private one strangers are unknown.
 */
async function readPermission(call: RouteCall, people: Person[]): Promise<ApiAnswer> {
  const { params, repository } = call;
  if (repository === null) return refuseUnknown();
  if (call.request.caller.kind === "anonymous") return refuse(401, "Requires authentication");
  const person = people.find((one) => one.login.toLowerCase() === params["login"]?.toLowerCase());
  if (person === undefined) return refuse(404, `${params["login"]} is not a user`);
  const own = roleOf(person.login, repository);
  if (own === "none" && repository.visibility === "private") return refuseUnknown();
  const role: Role = own === "none" ? "read" : own;
  const permissions = {
    admin: role === "admin",
    maintain: isAtLeast(role, "maintain"),
    push: isAtLeast(role, "write"),
    triage: isAtLeast(role, "triage"),
    pull: true,
  };
  const user = { ...toAccount(person, call.origin), permissions, role_name: role };
  return { status: 200, body: { permission: toLegacyPermission(role), user, role_name: role } };
}

function toLegacyPermission(role: Role): string {
  switch (role) {
    case "admin":
      return "admin";
    case "maintain":
    case "write":
      return "write";
    case "triage":
    case "read":
      return "read";
    case "none":
      return "none";
  }
}

/** Says what is wrong with a text's length; `null` when it fits. */
export function checkLength(call: RouteCall, resource: string): ApiAnswer | null {
  const text = isJsonObject(call.request.body) ? call.request.body["body"] : null;
  if (typeof text !== "string" || [...text].length <= MAX_BODY_CHARACTERS) return null;
  const message = `Body is too long (maximum is ${MAX_BODY_CHARACTERS} characters)`;
  return refuseInvalid([{ resource, code: "unprocessable", field: "data", message }]);
}

async function write(call: RouteCall, resource: string): Promise<ApiAnswer> {
  if (!call.may(["issues", "pull_requests"], "write")) return refuseWriting(call);
  const { method, path, body } = call.request;
  return checkLength(call, resource) ?? (await call.forward({ method, path, body, authority: "installation" }));
}

/** Comments are changed by who wrote them, by people with write access, and by Apps that may write issues. */
async function change(call: RouteCall): Promise<ApiAnswer> {
  const { method, path, body, caller } = call.request;
  if (!call.may(["issues", "pull_requests"], "write")) return refuseWriting(call);
  const current = await call.forward({ method: "GET", path });
  if (current.status !== 200 || !isJsonObject(current.body)) return current;
  const author = isJsonObject(current.body["user"]) ? current.body["user"]["login"] : null;
  const isWriter =
    call.repository !== null && caller.kind === "person" && isAtLeast(roleOf(caller.login, call.repository), "write");
  if (caller.kind === "person" && !isWriter && author !== caller.login)
    return refuse(403, "Must have admin rights to Repository.");
  return checkLength(call, "IssueComment") ?? (await call.forward({ method, path, body, authority: "installation" }));
}

function refuseWriting(call: RouteCall): ApiAnswer {
  return call.request.caller.kind === "anonymous"
    ? refuse(401, "Requires authentication")
    : refuse(403, "Resource not accessible by integration");
}
