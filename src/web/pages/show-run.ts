import type { Context } from "hono";
import type { RunRecord } from "../../store/runs.ts";
import { SHOWN_DIFF_BYTES } from "./diff-view.ts";
import type { FindInLog } from "./find-in-log.ts";
import { isHeldBack } from "./held-back.ts";
import type { Viewer } from "./layout.ts";
import { readLogPage } from "./log-page.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toRunPage } from "./run-page.ts";

/** The longest text that is looked for, in characters. */
const MAX_WANTED = 200;

export type ShowRunOptions = Pick<PagesOptions, "store" | "files"> & {
  find: FindInLog;
  record: RunRecord;
  viewer: Viewer;
};

/** The page of one run, with the part of its log that the address asks for. */
export async function showRun(
  context: Context,
  { record, viewer, store, files, find }: ShowRunOptions,
): Promise<Response> {
  const { runId } = record;
  const wanted = (context.req.query("find") ?? "").slice(0, MAX_WANTED);
  const from = context.req.query("from") ?? "";
  const [request, log, findings, diff] = await Promise.all([
    store.request(runId),
    readLogPage(files, { runId, from: /^\d{1,15}$/.test(from) ? Number(from) : null }),
    wanted === "" ? null : find({ runId, wanted, signal: context.req.raw.signal }),
    isHeldBack(record, { viewer }) ? null : files.readPage(runId, "patch", { offset: 0, limit: SHOWN_DIFF_BYTES }),
  ]);
  return context.html(
    await toRunPage({ viewer, record, request, log, wanted, findings, diff: diff?.size === 0 ? null : diff }),
  );
}
