import { z } from "zod";
import { findHunk, type Side } from "./diff-hunks.ts";
import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { checkLength } from "./people-routes.ts";
import { findPullHead } from "./pull-head.ts";
import type { Route, RouteCall } from "./routes.ts";

const SideName = z.enum(["LEFT", "RIGHT"]);

/** Where a comment on the change stands; the emulator knows positions only. */
const Spot = z.object({
  path: z.string().min(1),
  line: z.int().positive(),
  side: SideName.default("RIGHT"),
  start_line: z.int().positive().optional(),
  start_side: SideName.optional(),
});
type Spot = z.infer<typeof Spot>;

/** A comment's spot, the commit that its lines are those of, and the hunk that shows it. */
type Standing = { spot: Spot; commit: string; hunk: string };

const NewReview = z.object({
  commit_id: z.string().optional(),
  body: z.string().default(""),
  event: z.enum(["APPROVE", "REQUEST_CHANGES", "COMMENT"]).optional(),
  comments: z.array(Spot.extend({ body: z.string().min(1) })).default([]),
});

const NewComment = Spot.partial().extend({
  body: z.string().min(1),
  commit_id: z.string().optional(),
  in_reply_to: z.int().optional(),
});

/** Reviews and comments on the lines of a change, with GitHub's refusal of every line that the diff does not show. */
export function createReviewRoutes(): Route[] {
  const standings = new Map<number, Standing>();
  const pull = "/repos/{owner}/{repo}/pulls/{number}";
  return [
    { method: "POST", path: `${pull}/reviews`, handle: (call) => createReview(call, standings) },
    { method: "GET", path: `${pull}/comments`, handle: (call) => readComments(call, standings) },
    { method: "POST", path: `${pull}/comments`, handle: (call) => createComment(call, standings) },
    {
      method: "GET",
      path: "/repos/{owner}/{repo}/pulls/comments/{id}",
      handle: (call) => readComments(call, standings),
    },
  ];
}

type Standings = Map<number, Standing>;

async function createReview(call: RouteCall, standings: Standings): Promise<ApiAnswer> {
  const refused = refuseWriting(call, "PullRequestReview");
  if (refused !== null) return refused;
  const parsed = NewReview.safeParse(call.request.body);
  if (!parsed.success) return refuseLines(["Variable $comments was provided invalid value"]);
  const { event, body, comments } = parsed.data;
  if (event !== undefined && event !== "APPROVE" && body === "" && comments.length === 0) {
    return refuseLines(["Review must have a body or comments"]);
  }
  const change = await findChange(call, parsed.data.commit_id);
  if ("status" in change) return change;
  const found = await Promise.all(comments.map((spot) => findStanding(call, { spot, change })));
  const wrong = found.flatMap((one) => (typeof one === "string" ? [one] : []));
  if (wrong.length > 0) return refuseLines(wrong);

  const answer = await call.forward({
    ...{ method: "POST", path: call.request.path, authority: "installation" },
    body: {
      ...{ body, commit_id: change.commit, ...(event === undefined ? {} : { event }) },
      comments: comments.map((comment) => ({ path: comment.path, body: comment.body, position: 1 })),
    },
  });
  if (answer.status !== 201 || !isJsonObject(answer.body)) return answer;
  const path = call.request.path.replace(/reviews$/, "comments");
  const query = new URLSearchParams({ per_page: "100", direction: "desc" });
  const listed = await call.forward({ method: "GET", path, query });
  const review = answer.body["id"];
  const made = toObjects(listed.body).filter((one) => one["pull_request_review_id"] === review);
  for (const [index, comment] of made.toSorted((a, b) => Number(a["id"]) - Number(b["id"])).entries()) {
    const standing = found[index];
    if (typeof standing === "object") standings.set(Number(comment["id"]), standing);
  }
  return { ...answer, status: 200 };
}

async function createComment(call: RouteCall, standings: Standings): Promise<ApiAnswer> {
  const refused = refuseWriting(call, "PullRequestReviewComment");
  if (refused !== null) return refused;
  const parsed = NewComment.safeParse(call.request.body);
  if (!parsed.success) return refuseInvalid([{ resource: "PullRequestReviewComment", field: "body", code: "invalid" }]);
  const { in_reply_to: replyTo, body, commit_id: commitId } = parsed.data;
  const above = replyTo === undefined ? undefined : standings.get(replyTo);
  if (replyTo !== undefined && above === undefined) {
    return refuseInvalid([{ resource: "PullRequestReviewComment", field: "in_reply_to", code: "invalid" }]);
  }
  const change = await findChange(call, above?.commit ?? commitId);
  if ("status" in change) return change;
  const spot = Spot.safeParse(parsed.data);
  const standing = above ?? (spot.success ? await findStanding(call, { spot: spot.data, change }) : "line is missing");
  if (typeof standing === "string") {
    return refuseInvalid([{ resource: "PullRequestReviewComment", code: "custom", message: standing }]);
  }
  const { path, line, side } = standing.spot;
  const answer = await call.forward({
    ...{ method: "POST", path: call.request.path, authority: "installation" },
    body: {
      ...{ body, commit_id: standing.commit, path, line, side, position: 1, subject_type: "line" },
      ...(replyTo === undefined ? {} : { in_reply_to_id: replyTo }),
    },
  });
  if (answer.status !== 201 || !isJsonObject(answer.body)) return answer;
  standings.set(Number(answer.body["id"]), standing);
  return { ...answer, body: await complete(answer.body, { call, standings, head: change.head }) };
}

async function readComments(call: RouteCall, standings: Standings): Promise<ApiAnswer> {
  const { method, path, query } = call.request;
  const answer = await call.forward({ method, path, query });
  if (answer.status !== 200 || Buffer.isBuffer(answer.body)) return answer;
  const [first] = Array.isArray(answer.body) ? answer.body : [answer.body];
  if (!isJsonObject(first)) return answer;
  const number = /\d+$/.exec(String(first["pull_request_url"]))?.[0] ?? "";
  const head = (await findRange(call, number))?.head ?? "";
  const how = { call, standings, head };
  if (!Array.isArray(answer.body)) return { ...answer, body: await complete(first, how) };
  return { ...answer, body: await Promise.all(toObjects(answer.body).map((comment) => complete(comment, how))) };
}

type CompleteOptions = { call: RouteCall; standings: Standings; head: string };

/** A comment as GitHub shows it: on its lines, or on none when they have changed since. */
async function complete(comment: JsonObject, { call, standings, head }: CompleteOptions): Promise<Json> {
  const { in_reply_to_id: replyTo = null, position = null, line = null, ...rest } = comment;
  const links = {
    self: { href: comment["url"] ?? "" },
    html: { href: comment["html_url"] ?? "" },
    pull_request: { href: comment["pull_request_url"] ?? "" },
  };
  const base = { ...rest, ...(replyTo === null ? {} : { in_reply_to_id: replyTo }), _links: links };
  const standing = standings.get(Number(comment["id"]));
  if (standing === undefined) return { ...base, position, line };
  const { spot, commit, hunk } = standing;
  const [then, now] = await Promise.all([commit, head].map((revision) => readLine(call, { revision, spot })));
  const isThere = spot.side === "LEFT" || then === now;
  return {
    ...base,
    diff_hunk: hunk,
    side: spot.side,
    // GitHub answers `null` for what is not there, of which its description knows nothing.
    ...(isThere ? { line: spot.line, position } : {}),
    original_line: spot.line,
    start_line: isThere ? (spot.start_line ?? null) : null,
    original_start_line: spot.start_line ?? null,
    start_side: spot.start_line === undefined ? null : (spot.start_side ?? spot.side),
    original_commit_id: commit,
    commit_id: isThere ? head : commit,
  };
}

async function readLine(
  call: RouteCall,
  { revision, spot }: { revision: string; spot: Spot },
): Promise<string | undefined> {
  const file = await call.git.readFile(call.repository?.name ?? "", { revision, path: spot.path });
  return file?.toString().split("\n")[spot.line - 1];
}

type Change = { base: string; head: string; commit: string };

/** What a review is about: the change up to a commit of the pull request, its head by default. */
async function findChange(call: RouteCall, commitId: string | undefined): Promise<Change | ApiAnswer> {
  const range = await findRange(call, call.params["number"] ?? "");
  if (range === null) return refuseUnknown();
  const commit = commitId ?? range.head;
  const list = await call.git.git(call.repository?.name ?? "", ["rev-list", `${range.base}..${range.head}`]);
  if (commit !== range.head && !list.split("\n").includes(commit)) {
    return refuseLines(["The commit_id is not part of the pull request"]);
  }
  return { ...range, commit };
}

async function findRange(call: RouteCall, number: string): Promise<{ base: string; head: string } | null> {
  const repository = call.repository?.name ?? "";
  const answer = await call.forward({ method: "GET", path: `/repos/${repository}/pulls/${number}` });
  const parsed = z.object({ base: z.object({ ref: z.string() }) }).safeParse(answer.body);
  if (!parsed.success || Buffer.isBuffer(answer.body)) return null;
  const head = await findPullHead(call, answer.body);
  const base = await call.git.resolve(repository, `refs/heads/${parsed.data.base.ref}`);
  return head === null || base === null ? null : { base, head };
}

/** Where a comment can stand, or GitHub's sentence why it cannot. */
async function findStanding(
  call: RouteCall,
  { spot, change }: { spot: Spot; change: Change },
): Promise<Standing | string> {
  const range = `${change.base}...${change.commit}`;
  const diff = await call.git.git(call.repository?.name ?? "", ["diff", "--no-renames", range, "--", spot.path]);
  if (diff === "") return "Path could not be resolved";
  const { line, side, start_line: start, start_side: startSide = side } = spot;
  const hunk = findHunk(diff, { line, side });
  if (hunk === null) return "Line could not be resolved";
  if (start !== undefined) {
    if (start >= line) return "start_line must precede the end line.";
    if (!isInHunk(diff, { line: start, side: startSide, index: hunk.index })) {
      return "start_line must be part of the same hunk as the line.";
    }
  }
  return { spot, commit: change.commit, hunk: hunk.text };
}

function isInHunk(diff: string, { index, ...at }: { line: number; side: Side; index: number }): boolean {
  return findHunk(diff, at)?.index === index;
}

function refuseWriting(call: RouteCall, resource: string): ApiAnswer | null {
  if (!call.may(["pull_requests"], "write")) return refuse(403, "Resource not accessible by integration");
  return checkLength(call, resource);
}

/** GitHub's 422 of this endpoint, whose errors are sentences. */
function refuseLines(errors: string[]): ApiAnswer {
  const { body } = refuse(422, "Unprocessable Entity");
  return { status: 422, body: { ...(isJsonObject(body) ? body : {}), errors } };
}

function toObjects(body: ApiAnswer["body"]): JsonObject[] {
  return Array.isArray(body) ? body.filter((one) => isJsonObject(one)) : [];
}
