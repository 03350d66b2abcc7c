import type { Transaction } from "kysely";
import { z } from "zod";
import type { RunId } from "../run/id.ts";
import { RunMode, type TriggerKind } from "../run/request.ts";
import { RunResult, Usage } from "../run/result.ts";
import { toUnreadableFailure } from "../run/unreadable.ts";
import { promoteLane } from "./lines.ts";
import { noteEnd } from "./run-ends.ts";
import { json, StoredRunId, toResultColumn } from "./run-row.ts";
import type { Tables } from "./tables.ts";

/** What of a request may still be readable. */
const Asked = z.object({
  mode: RunMode.nullable().catch(null),
  trigger: RunResult.shape.trigger.nullable().catch(null),
});

const EndingRow = z.object({
  run_id: StoredRunId,
  repo: z.string(),
  line: z.string(),
  lane: z.string().nullable(),
  accepted_at: z.string(),
  repository_id: z.number().nullable(),
  call_session: z.string().nullable(),
  request: json(Asked).catch({ mode: null, trigger: null }),
  usage: json(Usage).nullable().catch(null),
  result: json(RunResult).nullable().catch(null),
});
type EndingRow = z.infer<typeof EndingRow>;

/**
 * Ends and closes a run that nobody can execute or tell of, since its request cannot be read; a result that it has is
 * kept. The next of its lane is ready.
 */
export async function endUnreadable(transaction: Transaction<Tables>, { runId }: { runId: RunId }): Promise<void> {
  const row = EndingRow.parse(
    await transaction
      .selectFrom("runs")
      .select(["run_id", "repo", "line", "lane", "accepted_at", "repository_id", "call_session"])
      .select(["request", "usage", "result"])
      .where("run_id", "=", runId)
      .executeTakeFirst(),
  );
  const now = new Date();
  const result = row.result ?? toResult(row, { now });
  await transaction
    .updateTable("runs")
    .set({
      ...{ state: result.status, result: toResultColumn(result), progress: null },
      ...{ closed_at: now.toISOString(), sealed_request: null },
    })
    .where("run_id", "=", runId)
    .execute();
  await noteEnd(transaction, { result, line: row.line });
  if (row.lane !== null) await promoteLane(transaction, { lane: row.lane });
}

function toResult(row: EndingRow, { now }: { now: Date }): RunResult {
  const at = now.toISOString();
  const { mode, trigger } = row.request;
  return {
    ...{ run_id: row.run_id, status: "error", exit_code: null, marker: null, repo: row.repo, usage: row.usage },
    duration: Math.max(0, now.getTime() - Date.parse(row.accepted_at) || 0) / 1000,
    output: { summary: null, files_changed: [], full_log: null, log_truncated: false },
    mode: mode ?? "ask",
    ...{ base: null, branch: null, commit: null, pull_request: null, codex: null },
    trigger: trigger ?? { kind: toTriggerKind(row), actor: null, url: null },
    timings: { queued: null, cloning: null, running: null, publishing: null },
    error: toUnreadableFailure(),
    ...{ started_at: at, finished_at: at },
  };
}

function toTriggerKind({ repository_id: repositoryId, call_session: session }: EndingRow): TriggerKind {
  if (repositoryId !== null) return "github";
  return session === null ? "terminal" : "mcp";
}
