import PQueue from "p-queue";
import { z } from "zod";
import { describeFiles, readNumbers, type Range } from "./changed-files.ts";
import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import { describeCommit } from "./git-routes.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { checkLength } from "./people-routes.ts";
import { toShortForm } from "./presentation.ts";
import { bringBranch, findPullHead, readHeadBranch } from "./pull-head.ts";
import type { Route, RouteCall } from "./routes.ts";

/** Makes a branch known to the emulator before a pull request names it. */
export type AddBranch = (repository: string, branch: string) => Promise<void>;

/** Pull requests over the real branches: the emulator keeps them, git knows their commits. */
export function createPullRoutes({ addBranch }: { addBranch: AddBranch }): Route[] {
  // Two that ask at once for the same must not both find that there is none.
  const creating = new PQueue({ concurrency: 1 });
  const pulls = "/repos/{owner}/{repo}/pulls";
  return [
    { method: "GET", path: pulls, handle: (call) => forwardPulls(call) },
    { method: "POST", path: pulls, handle: (call) => creating.add(() => createPull(call, addBranch)) },
    { method: "GET", path: `${pulls}/{number}`, handle: (call) => readPull(call) },
    { method: "PATCH", path: `${pulls}/{number}`, handle: (call) => changePull(call) },
    { method: "GET", path: `${pulls}/{number}/files`, handle: (call) => listFiles(call) },
    { method: "GET", path: `${pulls}/{number}/commits`, handle: (call) => listCommits(call) },
    { method: "GET", path: "/repos/{owner}/{repo}/issues/{number}", handle: (call) => readIssue(call) },
  ];
}

async function forwardPulls(call: RouteCall): Promise<ApiAnswer> {
  const { method, path, body, query } = call.request;
  const answer = await call.forward({ method, path, body, query });
  if (answer.status >= 300 || Buffer.isBuffer(answer.body)) return answer;
  if (!Array.isArray(answer.body)) return { ...answer, body: await completePull(answer.body, call) };
  return {
    ...answer,
    body: await Promise.all(answer.body.map(async (pull) => toShortForm(await completePull(pull, call)))),
  };
}

const NewPull = z.object({ title: z.string().min(1), head: z.string().min(1), base: z.string().min(1) });

/** GitHub refuses what it cannot compare: unknown branches, nothing between them, a pair that has one open already. */
async function createPull(call: RouteCall, addBranch: AddBranch): Promise<ApiAnswer> {
  if (!call.may(["pull_requests"], "write")) return refuse(403, "Resource not accessible by integration");
  const parsed = NewPull.safeParse(call.request.body);
  if (!parsed.success) return refuseInvalid([{ resource: "PullRequest", field: "title", code: "missing_field" }]);
  const tooLong = checkLength(call, "PullRequest");
  if (tooLong !== null) return tooLong;
  const repository = call.repository?.name ?? "";
  const [owner = ""] = repository.split("/");
  const { base } = parsed.data;
  const branch = readHeadBranch(parsed.data.head, { repository });
  const head = branch.ref;
  const headOwner = branch.repository.split("/")[0] ?? owner;
  const commits = {
    head: await bringBranch(call, { ...branch, as: `refs/forks/${headOwner}/${head}` }),
    base: await call.git.resolve(repository, `refs/heads/${base}`),
  };
  for (const [field, commit] of Object.entries(commits)) {
    if (commit === null) return refuseInvalid([{ resource: "PullRequest", field, code: "invalid" }]);
  }
  const between = await call.git.git(repository, ["rev-list", "--count", `${commits.base}..${commits.head}`]);
  if (between.trim() === "0") return refuseCustom(`No commits between ${base} and ${head}`);
  const query = new URLSearchParams({ state: "open", head: `${headOwner}:${head}`, base });
  const open = await call.forward({ method: "GET", path: call.request.path, query });
  if (Array.isArray(open.body) && open.body.length > 0) {
    return refuseCustom(`A pull request already exists for ${headOwner}:${head}.`);
  }
  if (branch.repository === repository) await addBranch(repository, head);
  await addBranch(repository, base);
  return await forwardPulls(call);
}

function refuseCustom(message: string): ApiAnswer {
  return refuseInvalid([{ resource: "PullRequest", code: "custom", message }]);
}

async function changePull(call: RouteCall): Promise<ApiAnswer> {
  if (!call.may(["pull_requests"], "write")) return refuse(403, "Resource not accessible by integration");
  return checkLength(call, "PullRequest") ?? (await forwardPulls(call));
}

async function readPull(call: RouteCall): Promise<ApiAnswer> {
  const answer = await forwardPulls(call);
  if (answer.status !== 200 || !/\bdiff\b/.test(call.request.headers["accept"] ?? "")) return answer;
  const range = readRange(answer.body);
  if (range === null) return refuseUnknown();
  const diff = await call.git.git(call.repository?.name ?? "", [
    "diff",
    "--full-index",
    `${range.base}...${range.head}`,
  ]);
  const headers = { "content-type": "application/vnd.github.diff; charset=utf-8" };
  return { status: 200, headers, body: Buffer.from(diff) };
}

/** Hashes of the branches as they are now, and the counts that follow from them. */
async function completePull(pull: Json, call: RouteCall): Promise<Json> {
  const repository = call.repository?.name ?? "";
  if (!isJsonObject(pull) || !isJsonObject(pull["head"]) || !isJsonObject(pull["base"])) return pull;
  const head = await findPullHead(call, pull);
  const base = await call.git.resolve(repository, `refs/heads/${String(pull["base"]["ref"])}`);
  if (head === null || base === null) return pull;
  const completed: JsonObject = {
    ...pull,
    head: { ...pull["head"], sha: head },
    base: { ...pull["base"], sha: base },
    statuses_url: `${call.origin}/api/v3/repos/${repository}/statuses/${head}`,
  };
  if (!("commits" in pull)) return completed;
  const files = await readNumbers(call, { base, head });
  const commits = await call.git.git(repository, ["rev-list", "--count", `${base}..${head}`]);
  return {
    ...completed,
    commits: Number(commits),
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changed_files: files.length,
  };
}

function readRange(pull: ApiAnswer["body"]): Range | null {
  const Side = z.object({ sha: z.string() });
  const parsed = z.object({ base: Side, head: Side }).safeParse(pull);
  return parsed.success ? { base: parsed.data.base.sha, head: parsed.data.head.sha } : null;
}

async function listFiles(call: RouteCall): Promise<ApiAnswer> {
  const range = await findRange(call);
  return range === null ? refuseUnknown() : { status: 200, body: await describeFiles(call, range) };
}

async function listCommits(call: RouteCall): Promise<ApiAnswer> {
  const range = await findRange(call);
  if (range === null) return refuseUnknown();
  const list = await call.git.git(call.repository?.name ?? "", [
    "rev-list",
    "--reverse",
    `${range.base}..${range.head}`,
  ]);
  const hashes = list.split("\n").filter(Boolean);
  return { status: 200, body: await Promise.all(hashes.map((sha) => describeCommit(call, sha))) };
}

async function findRange(call: RouteCall): Promise<Range | null> {
  const path = call.request.path.replace(/\/(?:files|commits)$/, "");
  const answer = await forwardPulls({ ...call, request: { ...call.request, path, query: new URLSearchParams() } });
  return readRange(answer.body);
}

/** On GitHub every pull request is an issue, too. */
async function readIssue(call: RouteCall): Promise<ApiAnswer> {
  const { path } = call.request;
  const issue = await call.forward({ method: "GET", path });
  if (issue.status !== 404) return issue;
  const answer = await call.forward({ method: "GET", path: path.replace("/issues/", "/pulls/") });
  return answer.status === 200 && isJsonObject(answer.body) ? { status: 200, body: toIssue(answer.body) } : issue;
}

const SHARED = ["id", "node_id", "number", "title", "user", "labels", "state", "locked", "assignee", "assignees"];
const SHARED_TOO = [
  "milestone",
  "comments",
  "created_at",
  "updated_at",
  "closed_at",
  "body",
  "draft",
  "author_association",
];

function toIssue(pull: JsonObject): JsonObject {
  const url = String(pull["issue_url"]);
  const { url: api = null, html_url = null, diff_url = null, patch_url = null, merged_at = null } = pull;
  return {
    ...Object.fromEntries([...SHARED, ...SHARED_TOO].map((name) => [name, pull[name] ?? null])),
    url,
    repository_url: url.replace(/\/issues\/\d+$/, ""),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    timeline_url: `${url}/timeline`,
    html_url,
    state_reason: null,
    closed_by: null,
    active_lock_reason: null,
    performed_via_github_app: null,
    pull_request: { url: api, html_url, diff_url, patch_url, merged_at },
  };
}
