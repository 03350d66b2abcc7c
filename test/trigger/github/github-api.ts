import nock from "nock";
import { ProbotOctokit } from "probot";
import { octocat } from "./comment-payload.ts";

/** One request to GitHub that was answered. */
export type ApiCall = { method: string; path: string; query: string; body: unknown; atMs: number };
export type ApiAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

type Comment = { id: number; body: string; user: { login: string } };

const REPOSITORY = "/repos/octo-org/hello";
export const BOT = "codex-test[bot]";

export type GitHubApi = Disposable & {
  calls: ApiCall[];
  /** Comments that stand in the thread. */
  comments: Comment[];
  /** Comments on lines of the pull request. */
  lineComments: Comment[];
  /** Answers of the permission API by login; others get 404. */
  permissions: Record<string, ApiAnswer>;
  /** Logins of the members of teams, by `organisation/team`; teams that are not named get 404. */
  teams: Record<string, string[]>;
  /** Files of the default branch, by path. */
  files: Record<string, string>;
  /** Answers to give instead of the usual ones, first come, first served; by method and the end of the path. */
  failures: { method: string; path: RegExp; answer: ApiAnswer }[];
  /** Answers that wait for something. */
  slow: { method: string; path: RegExp; until: Promise<void> }[];
  octokit: ProbotOctokit;
  /** What was reacted with, in order. */
  reactions(): unknown[];
  /** Texts of the comments that were posted, in order. */
  posted(): string[];
  find(method: string, path: RegExp): ApiCall[];
};

/** Stands in for GitHub's REST API: permissions, reactions and comments of one repository. Anything else fails the test. */
export function openGitHubApi(): GitHubApi {
  nock.disableNetConnect();
  nock.enableNetConnect(/^(?:127\.0\.0\.1|localhost):/);
  const TestOctokit = ProbotOctokit.defaults((options: object) => ({
    ...options,
    retry: { enabled: false },
    throttle: { enabled: false },
  }));
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const api: GitHubApi = {
    calls: [],
    comments: [],
    lineComments: [],
    teams: {},
    permissions: { octocat: allow(octocat.id, "write") },
    files: {},
    failures: [],
    slow: [],
    octokit: new TestOctokit({ log: silent }),
    reactions: () => api.find("POST", /\/reactions$/).map(({ body }) => readField(body, "content")),
    posted: () => api.find("POST", /\/issues\/42\/comments$/).map(({ body }) => String(readField(body, "body"))),
    find: (method, path) => api.calls.filter((call) => call.method === method && path.test(call.path)),
    [Symbol.dispose]: () => nock.cleanAll(),
  };
  const scope = nock("https://api.github.com").persist();
  for (const method of ["GET", "POST", "PATCH"] as const) {
    scope
      .intercept((path) => path.startsWith(REPOSITORY) || /^\/(?:graphql$|orgs\/)/.test(path), method)
      .reply(async (request: Request) => {
        const { pathname, search: query } = new URL(request.url);
        const path = pathname.startsWith(REPOSITORY) ? pathname.slice(REPOSITORY.length) : pathname;
        const text = await request.text();
        const call = {
          method,
          ...{ path, query },
          body: text === "" ? null : (JSON.parse(text) as unknown),
          atMs: performance.now(),
        };
        api.calls.push(call);
        await api.slow.find((it) => it.method === method && it.path.test(path))?.until;
        const { status, body = {}, headers = {} } = answer(api, call);
        return [status, body as nock.Body, { "content-type": "application/json", ...headers }];
      });
  }
  return api;
}

/** An answer of the permission API, in GitHub's words for a role. */
export function allow(id: number, role: "admin" | "maintain" | "write" | "triage" | "read" | "none"): ApiAnswer {
  const permission = { admin: "admin", maintain: "write", write: "write", triage: "read", read: "read", none: "none" }[
    role
  ];
  return { status: 200, body: { permission, role_name: role, user: { id, login: "x" } } };
}

function answer(api: GitHubApi, { method, path, body }: ApiCall): ApiAnswer {
  const failure = api.failures.findIndex((it) => it.method === method && it.path.test(path));
  const [failed] = failure === -1 ? [] : api.failures.splice(failure, 1);
  if (failed !== undefined) return failed.answer;

  const [, login] = /^\/collaborators\/([^/]+)\/permission$/.exec(path) ?? [];
  if (login !== undefined) return api.permissions[decodeURIComponent(login)] ?? { status: 404 };
  const file = api.files[decodeURIComponent(/^\/contents\/(.+)$/.exec(path)?.[1] ?? "")];
  if (file !== undefined) return { status: 200, body: file, headers: { "content-type": "text/plain; charset=utf-8" } };
  if (/^\/(?:issues|issues\/comments|pulls\/comments)\/\d+\/reactions$/.test(path))
    return { status: 201, body: { id: 1 } };
  if (path === "/graphql") return { status: 200, body: { data: { addReaction: null } } };
  const [, team = "", member = ""] = /^\/orgs\/(.+)\/memberships\/(.+)$/.exec(path) ?? [];
  if (team !== "") {
    const isMember = api.teams[team.replace("/teams/", "/")]?.includes(member) === true;
    return isMember ? { status: 200, body: { state: "active", role: "member" } } : { status: 404 };
  }
  if (path.startsWith("/pulls/")) return answerOnLines(api, { method, path, body });
  if (path === "/issues/42/comments" && method === "GET") return { status: 200, body: api.comments };
  const text = String(readField(body, "body"));
  if (path === "/issues/42/comments") {
    const comment = { id: 5000 + api.comments.length, body: text, user: { login: BOT } };
    api.comments.push(comment);
    return { status: 201, body: comment };
  }
  const [, id] = /^\/issues\/comments\/(\d+)$/.exec(path) ?? [];
  const comment = api.comments.find((it) => it.id === Number(id));
  if (comment === undefined) return { status: 404 };
  comment.body = text;
  return { status: 200, body: comment };
}

function answerOnLines(
  { lineComments }: GitHubApi,
  { method, path, body }: Omit<ApiCall, "atMs" | "query">,
): ApiAnswer {
  if (method === "GET") return path.endsWith("/comments") ? { status: 200, body: lineComments } : { status: 404 };
  const text = String(readField(body, "body"));
  if (path.endsWith("/replies")) {
    const comment = { id: 6000 + lineComments.length, body: text, user: { login: BOT } };
    lineComments.push(comment);
    return { status: 201, body: comment };
  }
  const found = lineComments.find(({ id }) => path === `/pulls/comments/${id}`);
  if (found === undefined) return { status: 404 };
  found.body = text;
  return { status: 200, body: found };
}

function readField(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null && name in body
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}
