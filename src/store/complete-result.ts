import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { RunResult } from "../run/result.ts";
import { toLog, withLog, type ResultLog } from "../run/result-log.ts";
import { cutToTail } from "../text/utf8.ts";
import type { NewestFiles } from "./newest-files.ts";
import { readTail } from "./page.ts";

/** How much of a log the result document holds, in bytes; `log.txt` has it all. */
export const FULL_LOG_BYTES = 1024 * 1024;

/** How long after a run's end its `result.json` is waited for, in milliseconds: it is written right after the record has the end. */
const WRITTEN_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;

export type CompleteOptions = {
  /** The most of the log, in bytes: the last of it. Default: what `result.json` holds of it. */
  maxLogBytes?: number;
};

type LogOptions = { files: NewestFiles; maxBytes: number };

/** See `RunFiles.completeResult`. */
export async function completeResult(
  result: RunResult,
  { files, maxLogBytes }: CompleteOptions & { files: NewestFiles },
): Promise<RunResult> {
  await waitUntilWritten(result, files);
  const log =
    maxLogBytes === undefined
      ? await findWholeLog(result, { files, maxBytes: FULL_LOG_BYTES })
      : await findLogTail(result, { files, maxBytes: maxLogBytes });
  return log === null ? result : withLog(result, log);
}

/** Whoever is told of an end finds its file too. Of a run that ended long ago, whose files may be gone, nothing is waited for. */
async function waitUntilWritten(
  { run_id: runId, finished_at: finishedAt }: RunResult,
  files: NewestFiles,
): Promise<void> {
  const until = Math.min(Date.parse(finishedAt), Date.now()) + WRITTEN_WITHIN_MS;
  while (Date.now() < until && (await (await files.find(runId, "result")).size()) === null) await sleep(LOOK_EVERY_MS);
}

/** As `result.json` has it, since the document is the same everywhere; while that is not written yet, as it will have it. */
async function findWholeLog(result: RunResult, { files, maxBytes }: LogOptions): Promise<ResultLog | null> {
  return (
    toKept(result) ??
    (await readWritten(result, files)) ??
    readTail(await files.find(result.run_id, "log"), { maxBytes })
  );
}

/** From the log itself, at the cost of what is wanted of it. */
async function findLogTail(result: RunResult, { files, maxBytes }: LogOptions): Promise<ResultLog | null> {
  const tail = await readTail(await files.find(result.run_id, "log"), { maxBytes });
  if (tail !== null) return tail;
  const log = toKept(result) ?? (await readWritten(result, files));
  return log === null ? null : cutLog(log, { maxBytes });
}

/** Results of before the record left logs out have them in themselves. */
function toKept(result: RunResult): ResultLog | null {
  return result.output.full_log === null ? null : toLog(result);
}

/** The log in `result.json`; null when there is no such file, or it is being replaced. */
async function readWritten({ run_id: runId }: RunResult, files: NewestFiles): Promise<ResultLog | null> {
  try {
    return toLog(RunResult.parse(JSON.parse(await text(files.stream(runId, "result")))));
  } catch {
    return null;
  }
}

/** The last whole characters of a log within `maxBytes`. */
function cutLog({ text, truncated }: ResultLog, { maxBytes }: { maxBytes: number }): ResultLog {
  if (text === null) return { text, truncated };
  const cut = cutToTail(text, { maxBytes });
  return { text: cut.text, truncated: cut.truncated || truncated };
}
