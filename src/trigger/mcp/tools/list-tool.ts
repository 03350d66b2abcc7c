import { z } from "zod";
import { RunId } from "../../../run/id.ts";
import { PullRequest } from "../../../run/result.ts";
import type { RunRecord } from "../../../store/runs.ts";
import type { CallContext } from "../call-context.ts";
import { AnyState } from "../run-answer.ts";
import { defineTool, type ToolAnswer } from "../tool.ts";

const Row = z.object({
  run_id: RunId,
  repo: z.string(),
  status: AnyState,
  accepted_at: z.iso.datetime(),
  duration: z.number().nullable(),
  pull_request: PullRequest.nullable(),
  reason: z.string().nullable(),
});

const Input = z.strictObject({
  repo: z.string().max(2048).optional().describe("Only runs of this repository, as codex_run_list writes it."),
  status: AnyState.optional().describe("Only runs with this state or status."),
  limit: z.int().min(1).max(100).default(20),
  cursor: RunId.optional().describe("next_cursor of the page before."),
});

/** `codex_run_list`: newest first, in pages. */
export const listTool = defineTool({
  name: "codex_run_list",
  title: "List runs",
  description: "Lists runs, newest first, however they were started. next_cursor gives the next page, null at the end.",
  scope: "read",
  input: Input,
  output: z.object({ runs: z.array(Row), next_cursor: RunId.nullable() }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run: callList,
});

async function callList(args: z.output<typeof Input>, context: CallContext): Promise<ToolAnswer> {
  const { records, next } = await listVisible(args, context);
  const data = { runs: records.map(toRow), next_cursor: next };
  const lines = data.runs.map(({ run_id: id, accepted_at: at, status, repo }) => `${id}  ${at}  ${status}  ${repo}`);
  return { kind: "answered", text: [lines.length === 0 ? "No runs." : lines.join("\n"), JSON.stringify(data)], data };
}

const CHUNK = 100;
/** How many runs of others a page passes over at most; the next page goes on from there. */
const MAX_LOOKED_AT = 2_000;

/** Pages of the record, without what the caller may not see. */
async function listVisible(
  { limit, repo, status, cursor }: z.output<typeof Input>,
  { parts, principal }: CallContext,
): Promise<{ records: RunRecord[]; next: RunId | null }> {
  const records: RunRecord[] = [];
  let before = cursor;
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; lookedAt += CHUNK) {
    const chunk = await parts.store.list({ limit: Math.min(CHUNK, limit + 1), repo, status, before });
    for (const record of chunk) {
      if (records.length === limit && principal.mayUseName(record.repo)) return { records, next: before ?? null };
      before = record.runId;
      if (principal.mayUseName(record.repo)) records.push(record);
    }
    if (chunk.length < Math.min(CHUNK, limit + 1)) return { records, next: null };
  }
  return { records, next: before ?? null };
}

function toRow({ runId, repo, state, acceptedAt, result }: RunRecord): z.output<typeof Row> {
  return {
    ...{ run_id: runId, repo, status: state, accepted_at: acceptedAt, duration: result?.duration ?? null },
    ...{ pull_request: result?.pull_request ?? null, reason: result?.error?.reason ?? null },
  };
}
