import { z } from "zod";
import { toAccount } from "./presentation.ts";
import { type ApiAnswer, refuse, refuseUnknown } from "./exchange.ts";
import { type Caller, isVisible, readToken, type TokenBook } from "./identity.ts";
import type { JsonObject } from "./json.ts";
import type { Route, RouteCall } from "./routes.ts";
import type { RepositorySeed } from "./seeds.ts";

/** A job of GitHub Actions that has failed on a commit; `log` null: GitHub has forgotten it. */
export type FailedJob = { repository: string; sha: string; name: string; log: string | null };

/** What the stand-in's own host answers besides its API. */
export type FileAnswer = { status: number; headers: Record<string, string>; body: Buffer | string };

/** What Actions and people left on this GitHub: jobs with their logs, and pictures. */
export type ContextBook = {
  routes: Route[];
  /** Check runs of Actions on a commit. */
  listChecks(call: RouteCall, options: { sha: string }): JsonObject[];
  addFailedJob(job: FailedJob): void;
  /** Attaches a file to a repository's threads; returns its address. */
  attach(file: { repository: string; bytes: Buffer }): string;
  /** Answers a request outside the API; null when it is for none of these files. */
  answerFile(request: { url: URL; authorization: string | undefined }): FileAnswer | null;
};

export type ContextBookOptions = { origin: string; repositories: RepositorySeed[]; tokens: TokenBook };

const JOB_IDS = 8_100_001;
const ACTIONS: JsonObject = {
  ...{ id: 15368, slug: "github-actions", client_id: "Iv1.05c79e9ad1f6bdfa", node_id: "MDM6QXBwMTUzNjg=" },
  ...{ name: "GitHub Actions", description: "Automate your workflow from idea to production" },
  ...{ external_url: "https://help.github.com/en/actions", html_url: "https://github.com/apps/github-actions" },
  ...{ created_at: "2018-07-30T09:30:17Z", updated_at: "2019-12-10T19:04:12Z", permissions: {}, events: [] },
  owner: toAccount({ login: "github", id: 9919, type: "Organization" }, "https://github.com"),
};

/** Begins with nothing. */
export function createContextBook({ origin, repositories, tokens }: ContextBookOptions): ContextBook {
  const jobs: FailedJob[] = [];
  const files = new Map<string, { repository: string; bytes: Buffer }>();
  const repository = "/repos/{owner}/{repo}";
  const isOpenTo = (name: string, caller: Caller): boolean => {
    const seed = repositories.find((one) => one.name === name);
    return seed !== undefined && isVisible(seed, caller);
  };
  const render = ({ request }: RouteCall): ApiAnswer => {
    const parsed = z.object({ text: z.string() }).safeParse(request.body);
    if (!parsed.success) return refuse(400, "Problems parsing JSON");
    const images = Array.from(parsed.data.text.matchAll(/!\[[^\]]*\]\(<?([^)>]*)>?\)/g), ([, address = ""]) => {
      const id = address.slice(address.lastIndexOf("/") + 1);
      const file = files.get(id);
      const isShown = file !== undefined && isOpenTo(file.repository, request.caller);
      return `<p><img src="${isShown ? toSigned(id) : address}" alt="" /></p>`;
    });
    const headers = { "content-type": "text/html;charset=utf-8" };
    return { status: 200, headers, body: Buffer.from(images.join("\n")) };
  };
  const toSigned = (id: string): string => `${origin}/stored/${id}?jwt=signed`;
  return {
    routes: [
      { method: "GET", path: `${repository}/commits/{ref}/status`, handle: (call) => readStatus(call) },
      { method: "POST", path: "/markdown", handle: async (call) => render(call) },
      { method: "GET", path: `${repository}/actions/jobs/{id}/logs`, handle: async (call) => findLog(call, jobs) },
    ],
    listChecks: (call, { sha }) =>
      jobs.flatMap((job, index) =>
        job.sha === sha && job.repository === call.repository?.name ? [toCheck(job, { index, origin })] : [],
      ),
    addFailedJob: (job) => void jobs.push(job),
    attach: (file) => {
      const id = crypto.randomUUID();
      files.set(id, file);
      return `${origin}/user-attachments/assets/${id}`;
    },
    answerFile: ({ url, authorization }) => {
      const [, kind, id = ""] = /^\/(user-attachments\/assets|stored|job-logs)\/([^/]+)$/.exec(url.pathname) ?? [];
      const job = jobs[Number(id) - JOB_IDS];
      if (kind === "job-logs") return job === undefined ? null : toText(job.log ?? "");
      const file = files.get(id);
      if (kind === undefined || file === undefined) return null;
      if (kind === "stored" && url.searchParams.get("jwt") !== "signed") return { ...toText("Not Found"), status: 404 };
      if (kind === "stored") return { status: 200, headers: { "content-type": "image/png" }, body: file.bytes };
      const caller = tokens.find(readToken(authorization) ?? "") ?? ({ kind: "anonymous" } as const);
      // Like GitHub's, this host takes no token of an App for what is private.
      const asked: Caller = caller.kind === "installation" ? { kind: "anonymous" } : caller;
      if (!isOpenTo(file.repository, asked)) return { ...toText("Not Found"), status: 404 };
      return { status: 302, headers: { location: toSigned(id) }, body: "" };
    },
  };
}

/** Like GitHub, it needs a right of its own where not everybody may look. Nothing here makes statuses. */
async function readStatus(call: RouteCall): Promise<ApiAnswer> {
  const { repository, git, params, origin } = call;
  if (repository === null) return refuseUnknown();
  if (repository.visibility !== "public" && !call.may(["statuses"], "read")) {
    return refuse(403, "Resource not accessible by integration");
  }
  const sha = await git.resolve(repository.name, params["ref"] ?? "");
  const answer = await call.forward({ method: "GET", path: `/repos/${repository.name}` });
  if (sha === null || answer.status !== 200 || Buffer.isBuffer(answer.body)) return refuseUnknown();
  const url = `${origin}/api/v3/repos/${repository.name}/commits/${sha}`;
  return {
    status: 200,
    body: {
      ...{ state: "pending", sha, total_count: 0, statuses: [], repository: answer.body },
      ...{ commit_url: url, url: `${url}/status` },
    },
  };
}

/** The log is elsewhere, behind an address that is good for a minute. */
function findLog(call: RouteCall, jobs: readonly FailedJob[]): ApiAnswer {
  if (!call.may(["actions"], "read")) return refuse(403, "Must have admin rights to Repository.");
  const id = Number(call.params["id"]);
  const job = jobs[id - JOB_IDS];
  if (job === undefined || job.repository !== call.repository?.name) return refuseUnknown();
  if (job.log === null) return refuse(410, "The logs for this run have expired and are no longer available.");
  return { status: 302, headers: { location: `${call.origin}/job-logs/${id}` }, body: null };
}

function toText(text: string): FileAnswer {
  return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: text };
}

function toCheck(
  { repository, sha, name }: FailedJob,
  { index, origin }: { index: number; origin: string },
): JsonObject {
  const id = JOB_IDS + index;
  const url = `${origin}/api/v3/repos/${repository}/check-runs/${id}`;
  const page = `${origin}/${repository}/actions/runs/7100001/job/${id}`;
  const annotations = { annotations_count: 1, annotations_url: `${url}/annotations` };
  return {
    ...{ id, node_id: Buffer.from(`CheckRun:${id}`).toString("base64"), head_sha: sha, name, url, html_url: page },
    ...{ external_id: crypto.randomUUID(), details_url: page, status: "completed", conclusion: "failure" },
    ...{ started_at: "2026-01-01T00:00:00Z", completed_at: "2026-01-01T00:01:00Z" },
    ...{ output: { title: null, summary: null, text: null, ...annotations } },
    ...{ check_suite: { id: 9_000_002 }, app: ACTIONS, pull_requests: [] },
  };
}
