import nock from "nock";
import { ProbotOctokit } from "probot";
import { octocat } from "./comment-payload.ts";

/** One request to GitHub that was answered. */
export type ApiCall = { method: string; path: string; body: unknown; atMs: number };
export type ApiAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

const REPOSITORY = "/repos/octo-org/hello";
export const BOT = "codex-test[bot]";

export type GitHubApi = Disposable & {
  calls: ApiCall[];
  /** Comments that stand in the thread. */
  comments: { id: number; body: string; user: { login: string } }[];
  /** Answers of the permission API by login; others get 404. */
  permissions: Record<string, ApiAnswer>;
  /** Files of the default branch, by path. */
  files: Record<string, string>;
  /** Answers to give instead of the usual ones, first come, first served; by method and the end of the path. */
  failures: { method: string; path: RegExp; answer: ApiAnswer }[];
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
    permissions: { octocat: allow(octocat.id, "write") },
    files: {},
    failures: [],
    octokit: new TestOctokit({ log: silent }),
    reactions: () => api.find("POST", /\/reactions$/).map(({ body }) => readField(body, "content")),
    posted: () => api.find("POST", /\/issues\/42\/comments$/).map(({ body }) => String(readField(body, "body"))),
    find: (method, path) => api.calls.filter((call) => call.method === method && path.test(call.path)),
    [Symbol.dispose]: () => nock.cleanAll(),
  };
  const scope = nock("https://api.github.com").persist();
  for (const method of ["GET", "POST", "PATCH"] as const) {
    scope
      .intercept((path) => path.startsWith(REPOSITORY), method)
      .reply(async (request: Request) => {
        const path = new URL(request.url).pathname.slice(REPOSITORY.length);
        const text = await request.text();
        const call = {
          method,
          path,
          body: text === "" ? null : (JSON.parse(text) as unknown),
          atMs: performance.now(),
        };
        api.calls.push(call);
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
  if (/^\/issues\/comments\/\d+\/reactions$/.test(path)) return { status: 201, body: { id: 1 } };
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

function readField(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null && name in body
    ? Object.entries(body).find(([key]) => key === name)?.[1]
    : undefined;
}
