import { expect, test } from "vitest";
import { RunError } from "../../../src/run/failure.ts";
import { toShortId, type RunId } from "../../../src/run/id.ts";
import type { RunRecord } from "../../../src/store/runs.ts";
import type { GitHubAppDeps } from "../../../src/trigger/github/deps.ts";
import { startApp } from "./app-host.ts";
import { createPayload } from "./comment-payload.ts";
import { createFinished, createRequest, type FinishedOptions } from "./finished-run.ts";

const request = createRequest({ accepted_at: "2026-11-20T09:00:00.000Z" });
const published: RunRecord = {
  ...{ runId: request.run_id, repo: "octo-org/hello", state: "done", acceptedAt: request.accepted_at },
  ...{ progress: null, result: createFinished(request).result, queuePosition: null },
};
const deps: Partial<GitHubAppDeps> = {
  listThread: async () => [published],
  publish: async () => {
    throw new RunError("push-rejected", "The run is published already.");
  },
};

test.each(["", ` ${toShortId(request.run_id)}`])(
  "a publish command%s that was cut off after its work is answered with what came of it",
  async (named) => {
    using host = await startApp(deps);
    const payload = JSON.stringify(createPayload({ body: `/codex publish${named}`, commentId: 1 }));
    host.deliveries.leave({ deliveryId: "d1", commentKey: "1296269/1", event: "issue_comment", payload });
    await host.app.resumeUnhandled();
    await host.app.onIdle();
    expect(host.api.posted().join("")).toMatch(/Published the run .*#43/);
    expect(host.api.reactions().at(-1)).toBe("rocket");
  },
);

test("a new command for a run that is published says that it is", async () => {
  using host = await startApp(deps);
  await host.comment({ body: `/codex publish ${toShortId(request.run_id)}` });
  expect(host.api.posted().join("")).toContain("published already");
  expect(host.api.reactions()).toEqual(["eyes", "confused"]);
});

/** A run of the thread, as it stands on record. */
function toRecord(acceptedAt: string, changes: Partial<FinishedOptions> | "running"): RunRecord {
  const ofRun = createRequest({ accepted_at: acceptedAt });
  const result = changes === "running" ? null : createFinished(ofRun, changes).result;
  return {
    ...{ runId: ofRun.run_id, repo: "octo-org/hello", state: result?.status ?? "running", acceptedAt },
    ...{ progress: null, result, queuePosition: null },
  };
}

const kept = { pull_request: null, branch: null, commit: null };

test("a publish command that was cut off before its work publishes what it was for, and tells of no other run", async () => {
  const newer = toRecord("2026-11-20T09:30:00.000Z", { finished_at: "2026-11-20T09:40:00.000Z" });
  const older = toRecord("2026-11-20T09:00:00.000Z", { ...kept, finished_at: "2026-11-20T09:10:00.000Z" });
  const asked: RunId[] = [];
  using host = await startApp({
    listThread: async () => [newer, older],
    publish: async (runId) => {
      asked.push(runId);
      return createFinished(request).result;
    },
  });
  const opened = { number: 43, created_at: "2026-11-20T09:40:00Z" };
  host.api.failures.push({ method: "GET", path: /pulls\/43$/, answer: { status: 200, body: opened } });
  const payload = JSON.stringify(createPayload({ body: "/codex publish", commentId: 1 }));
  host.deliveries.leave({ deliveryId: "d1", commentKey: "1296269/1", event: "issue_comment", payload });
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect(asked).toEqual([older.runId]);
});

test("a cancel command that was cut off after its work ends no second run", async () => {
  const ended = { ...kept, status: "cancelled", finished_at: "2026-11-20T10:00:02.000Z" } as const;
  const newer = toRecord("2026-11-20T09:30:00.000Z", ended);
  const older = toRecord("2026-11-20T09:00:00.000Z", "running");
  const asked: RunId[] = [];
  const deps: Partial<GitHubAppDeps> = {
    listThread: async () => [newer, older],
    cancel: async (runId) => {
      asked.push(runId);
      return { result: newer.result, before: "over" };
    },
  };
  using host = await startApp(deps);
  const payload = JSON.stringify(createPayload({ body: "/codex cancel", commentId: 1 }));
  host.deliveries.leave({ deliveryId: "d1", commentKey: "1296269/1", event: "issue_comment", payload });
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect(asked).toEqual([newer.runId]);
  expect(host.api.reactions().at(-1)).toBe("rocket");
  expect(host.api.posted().join("")).toContain(toShortId(newer.runId));

  await host.comment({ body: "/codex cancel", commentId: 2 });
  expect(asked).toEqual([newer.runId, older.runId]);
});
