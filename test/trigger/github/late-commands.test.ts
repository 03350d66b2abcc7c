import { expect, test } from "vitest";
import { CommandSpot } from "../../../src/run/github-thread.ts";
import { toShortId, type RunId } from "../../../src/run/id.ts";
import type { RunRequest } from "../../../src/run/request.ts";
import type { RunRecord } from "../../../src/store/runs.ts";
import type { GitHubAppDeps } from "../../../src/trigger/github/deps.ts";
import { parsePayload } from "../../../src/trigger/github/payload.ts";
import { startApp, type AppHost } from "./app-host.ts";
import { createPayload } from "./comment-payload.ts";
import { createFinished, createRequest, type FinishedOptions } from "./finished-run.ts";
import { createLineComment, createReview } from "./talk-payloads.ts";

/** All commands here arrive long after this; by their comments' ids and times 2000 was written at 10:00:00. */
const COMMAND = { commentId: 2000, createdAt: "2026-11-20T10:00:00Z" };
const ACCEPTED_AT = "2026-11-20T10:06:00.000Z";

type Asked = { request: RunRequest; record: RunRecord };
type AskedOptions = { spot?: Partial<CommandSpot>; acceptedAt?: string; state?: Partial<FinishedOptions> };

/** A run of the thread, which goes on unless told how it ended. Whenever its comment was written, it was accepted late. */
function toAsked({ spot = {}, acceptedAt = ACCEPTED_AT, state }: AskedOptions): Asked {
  const { thread, ...plain } = createRequest({ accepted_at: acceptedAt });
  if (thread === null) throw new Error("no thread");
  const request = { ...plain, thread: { ...thread, ...CommandSpot.parse({ comment_id: 1001, ...spot }) } };
  const result = state === undefined ? null : createFinished(request, state).result;
  const record: RunRecord = {
    ...{ runId: request.run_id, repo: "octo-org/hello", state: result?.status ?? "running", acceptedAt },
    ...{ progress: null, result, queuePosition: null },
  };
  return { request, record };
}

type Heard = { cancelled: RunId[]; published: RunId[]; released: RunId[] };

/** The application with these runs in the thread, newest first. */
async function startWith(asked: readonly Asked[], overrides: Partial<GitHubAppDeps> = {}) {
  const heard: Heard = { cancelled: [], published: [], released: [] };
  const find = (runId: RunId) => asked.find(({ record }) => record.runId === runId);
  const host = await startApp({
    listThread: async ({ limit = 100 }) => asked.slice(0, limit).map(({ record }) => record),
    findRequest: async (runId) => find(runId)?.request ?? null,
    cancel: async (runId) => {
      heard.cancelled.push(runId);
      return { result: null, before: "going" };
    },
    publish: async (runId) => {
      heard.published.push(runId);
      return createFinished(createRequest()).result;
    },
    releaseChecks: async (runId) => {
      heard.released.push(runId);
      return { kind: "released", commit: "c".repeat(40), squash: "safe" };
    },
    ...overrides,
  });
  return { host, heard };
}

const saidIn = (host: AppHost): string => host.api.posted().join("");
const nameOf = ({ record }: Asked): string => toShortId(record.runId);

test("a cancel that comes late ends the newest run of before it, and none that was asked for since", async () => {
  const since = toAsked({ spot: { comment_id: 2001 } });
  const meant = toAsked({ spot: { comment_id: 1999 } });
  const { host, heard } = await startWith([since, meant]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex cancel" });
  expect(heard.cancelled).toEqual([meant.record.runId]);
  expect(saidIn(host)).toContain(nameOf(meant));
  expect(host.api.reactions()).toEqual(["eyes", "rocket"]);
});

test("a cancel whose run has ended says so, and that what was asked for since goes on", async () => {
  const since = toAsked({ spot: { comment_id: 2001 } });
  const meant = toAsked({ spot: { comment_id: 1999 }, state: {} });
  const { host, heard } = await startWith([since, meant]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex cancel" });
  expect(heard.cancelled).toEqual([]);
  expect(saidIn(host)).toContain("Nothing that was asked for before your comment is running or waiting here");
  expect(saidIn(host)).toContain(`The run \`${nameOf(since)}\` was asked for after it and goes on`);
  expect(host.api.reactions()).toEqual(["eyes", "confused"]);
});

test("of several runs that were asked for since, the newest are named", async () => {
  const since = [2004, 2003, 2002, 2001].map((id) => toAsked({ spot: { comment_id: id } }));
  const { host, heard } = await startWith(since);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex cancel" });
  expect(heard.cancelled).toEqual([]);
  const names = since.slice(0, 3).map((one) => `\`${nameOf(one)}\``);
  expect(saidIn(host)).toContain(`4 runs were asked for after it and go on, the newest ${names.join(", ")}.`);
});

test("a cancel that names its run ends it, whenever it was asked for", async () => {
  const since = toAsked({ spot: { comment_id: 2001 } });
  const { host, heard } = await startWith([since]);
  using _ = host;
  await host.comment({ ...COMMAND, body: `/codex cancel ${nameOf(since)}` });
  expect(heard.cancelled).toEqual([since.record.runId]);
});

test("a cancel that a dead process left ends none that was asked for since, and takes none for its own work", async () => {
  const ended = { status: "cancelled", finished_at: "2026-11-20T10:05:00.000Z" } as const;
  const cancelledSince = toAsked({ spot: { comment_id: 2002 }, state: ended });
  const since = toAsked({ spot: { comment_id: 2001 } });
  const { host, heard } = await startWith([cancelledSince, since]);
  using _ = host;
  const payload = JSON.stringify(createPayload({ ...COMMAND, body: "/codex cancel" }));
  host.deliveries.leave({ deliveryId: "d1", commentKey: "1296269/2000", event: "issue_comment", payload });
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect(heard.cancelled).toEqual([]);
  expect(saidIn(host)).toContain(`The run \`${nameOf(since)}\` was asked for after it and goes on`);
});

test.each<[string, "before" | "since", AskedOptions]>([
  ["a line's comment of before", "before", { spot: { source: "review-comment", given_at: "2026-11-20T09:59:59Z" } }],
  ["a line's comment of later", "since", { spot: { source: "review-comment", given_at: "2026-11-20T10:00:01Z" } }],
  ["a review of before", "before", { spot: { source: "review", given_at: "2026-11-20T11:59:59+02:00" } }],
  ["a review of later", "since", { spot: { source: "review", given_at: "2026-11-20T12:00:01+02:00" } }],
  ["an issue's text", "before", { spot: { source: "issue", comment_id: 9000, given_at: "2026-11-20T09:00:00Z" } }],
  [
    "a review of the same second",
    "before",
    { spot: { source: "review", comment_id: 9000, given_at: "2026-11-20T10:00:00Z" } },
  ],
  ["a label of later", "since", { spot: { source: "label", comment_id: 9, given_at: "2026-11-20T10:00:01Z" } }],
  ["a review of which only the acceptance is known", "since", { spot: { source: "review" } }],
  [
    "a review that was accepted before",
    "before",
    { spot: { source: "review" }, acceptedAt: "2026-11-20T09:59:00.000Z" },
  ],
  ["a press on its page after it, by an older comment at first", "since", { spot: { occasion: "again 1" } }],
  [
    "a press on its page before it",
    "before",
    { spot: { comment_id: 3000, occasion: "again 1" }, acceptedAt: "2026-11-20T09:59:00.000Z" },
  ],
])("a run asked for by %s counts as %s", async (_title, when, options) => {
  const asked = toAsked(options);
  const { host, heard } = await startWith([asked]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex cancel", isPullRequest: true });
  expect(heard.cancelled).toEqual(when === "before" ? [asked.record.runId] : []);
});

test.each([
  [1999, 1],
  [2001, 0],
])("comments on lines that came with one review are told apart by their ids: %d", async (id, times) => {
  const spot = { source: "review-comment", comment_id: id, given_at: "2026-11-20T10:00:00Z" } as const;
  const { host, heard } = await startWith([toAsked({ spot })]);
  using _ = host;
  await host.deliver("pull_request_review_comment", createLineComment({ id: 2000, body: "/codex cancel" }));
  expect(heard.cancelled).toHaveLength(times);
});

test("a comment on a line was given when its review was submitted, not when it was drafted", async () => {
  const asked = toAsked({ spot: { comment_id: 1999, given_at: "2026-11-20T10:10:00Z" } });
  const { host, heard } = await startWith([asked]);
  using _ = host;
  const drafted = createLineComment({ id: 2000, body: "/codex cancel", createdAt: "2026-11-20T10:00:00Z" });
  const comment = { ...drafted.comment, updated_at: "2026-11-20T10:30:00Z" };
  await host.deliver("pull_request_review_comment", { ...drafted, comment });
  expect(heard.cancelled).toEqual([asked.record.runId]);
});

test.each([
  ["issue_comment", createPayload(), "2026-11-20T10:00:00Z"],
  ["pull_request_review", createReview({ createdAt: "2026-11-20T10:07:00Z" }), "2026-11-20T10:07:00Z"],
])("a run keeps when its command was given: %s", (event, payload, givenAt) => {
  const parsed = parsePayload(payload, { event });
  expect(parsed).toMatchObject({ comment: { comment: { spot: { given_at: givenAt } } } });
});

test("a retry that comes late asks again for what was over before it, not for what was asked for since", async () => {
  const since = toAsked({ spot: { comment_id: 2001 }, state: {} });
  const meant = toAsked({ spot: { comment_id: 1999 }, state: { reason: "push-rejected" } });
  const { host } = await startWith([since, { ...meant, request: { ...meant.request, prompt: "the meant one" } }]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex retry" });
  expect(host.runs.map(({ run }) => run.prompt)).toEqual(["the meant one"]);
});

test("a publish that comes late publishes nothing that was asked for since", async () => {
  const kept = { pull_request: null, branch: null, commit: null };
  const since = toAsked({ spot: { comment_id: 2001 }, state: kept });
  const meant = toAsked({ spot: { comment_id: 1999 }, state: kept });
  const { host, heard } = await startWith([since, meant]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex publish" });
  expect(heard.published).toEqual([meant.record.runId]);
});

test.each<["before" | "since", number]>([
  ["before", 1999],
  ["since", 2001],
])("words that come late answer a question only of a run of before: %s", async (when, id) => {
  const thread_id = "01a22907-58ac-79f0-b6af-87eb86227a27";
  const state = { status: "need_user", codex: { version: null, thread_id, model: null } } as const;
  const question = toAsked({ spot: { comment_id: id }, state: { ...state, branch: null, commit: null } });
  const { host } = await startWith([question]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex A" });
  expect(host.runs[0]?.run.prompt).toBe("A");
  expect(host.runs[0]?.run.resume?.run_id).toBe(when === "before" ? question.record.runId : undefined);
});

const PULL = { number: 42, head: { ref: "feature", repo: { id: 1 } }, base: { repo: { id: 1 } } };

test("on an issue, checks are let run late only of what was pushed for a run of before", async () => {
  const since = toAsked({ spot: { comment_id: 2001 }, state: {} });
  const meant = toAsked({ spot: { comment_id: 1999 }, state: {} });
  const { host, heard } = await startWith([since, meant]);
  using _ = host;
  await host.comment({ ...COMMAND, body: "/codex ci" });
  expect(heard.released).toEqual([meant.record.runId]);
});

test.each<["an issue" | "a pull request"]>([["an issue"], ["a pull request"]])(
  "on %s, checks of what nobody had seen when they were asked for stay held, and that is said",
  async (where) => {
    const since = toAsked({ spot: { comment_id: 2001 }, state: {} });
    const { host, heard } = await startWith([since], { findByBranch: async () => since.record });
    using _ = host;
    host.api.failures.push({ method: "GET", path: /pulls\/42$/, answer: { status: 200, body: PULL } });
    const place = where === "an issue" ? {} : ({ isPullRequest: true } as const);
    await host.comment({ ...COMMAND, ...place, body: "/codex ci" });
    expect(heard.released).toEqual([]);
    expect(saidIn(host)).toContain("What I pushed here was asked for after your comment");
    expect(host.api.reactions()).toEqual(["eyes", "confused"]);
  },
);

test.each([
  ["retry", /No run that was asked for before your comment is over yet/],
  ["publish", /No run that was asked for before your comment kept changes that are not published/],
])("a %s of which all that it could be about was asked for since says so", async (verb, words) => {
  const since = toAsked({ spot: { comment_id: 2001 }, state: { pull_request: null, branch: null, commit: null } });
  const { host, heard } = await startWith([since]);
  using _ = host;
  await host.comment({ ...COMMAND, body: `/codex ${verb}` });
  expect([host.runs, heard.published]).toEqual([[], []]);
  expect(saidIn(host)).toMatch(words);
  expect(saidIn(host)).toContain(
    `The run \`${nameOf(since)}\` was asked for after it; \`/codex ${verb} ${nameOf(since)}\``,
  );
});
