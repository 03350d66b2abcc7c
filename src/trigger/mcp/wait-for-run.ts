import { setTimeout as sleep } from "node:timers/promises";
import type { RunId } from "../../run/id.ts";
import type { RunProgress } from "../../run/progress.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toPlainLine } from "../../text/plain.ts";
import type { CallContext } from "./call-context.ts";

const ASK_EVERY_MS = 250;
/** At least this often something is said, since clients take silence for an end; and at most this often. */
const TELL_AT_LEAST_EVERY_MS = 10_000;
const TELL_AT_MOST_EVERY_MS = 1_000;

/**
 * Waits until a run is over, at most so long, and tells the client meanwhile where it stands. Resolves with the record as it
 * is then, at once when the call ends before; null when there is no such run.
 */
export async function waitForRun(
  runId: RunId,
  { waitS, context }: { waitS: number; context: Pick<CallContext, "parts" | "signal" | "onProgress"> },
): Promise<RunRecord | null> {
  const { parts, signal, onProgress } = context;
  const startedAt = performance.now();
  const tell = createTeller(onProgress, { startedAt });
  for (;;) {
    const record = await parts.store.find(runId);
    if (record === null) return null;
    tell(record);
    const leftMs = startedAt + waitS * 1000 - performance.now();
    if (record.result !== null || leftMs <= 0 || signal.aborted) return record;
    await sleep(Math.min(ASK_EVERY_MS, leftMs), undefined, { signal }).catch(() => {});
  }
}

/** Tells what is new, not too often and never nothing for long. */
function createTeller(
  onProgress: CallContext["onProgress"],
  { startedAt }: { startedAt: number },
): (record: RunRecord) => void {
  let told = { at: -Infinity, state: "", message: "" };
  return (record) => {
    if (onProgress === null) return;
    const now = performance.now();
    const message = toStateLine(record);
    const sinceMs = now - told.at;
    const isDue =
      record.state !== told.state ||
      sinceMs >= TELL_AT_LEAST_EVERY_MS ||
      (message !== told.message && sinceMs >= TELL_AT_MOST_EVERY_MS);
    if (!isDue) return;
    told = { at: now, state: record.state, message };
    onProgress({ progress: Math.round(now - startedAt) / 1000, message });
  };
}

/** Where a run stands, in one line: its state, how long it has been going, and what Codex does now. */
export function toStateLine({ state, progress, queuePosition, acceptedAt }: RunRecord): string {
  const elapsedS = Math.max(0, Math.round((Date.now() - Date.parse(acceptedAt)) / 1000));
  const place = queuePosition === null ? "" : `, number ${queuePosition} in the queue`;
  const doing = progress === null ? "" : toDoing(progress);
  return `${state}${place}, ${elapsedS} s${doing === "" ? "" : `: ${doing}`}`;
}

function toDoing({ activity: { lastMessage, lastCommand } }: RunProgress): string {
  const said = lastMessage ?? (lastCommand === null ? "" : `$ ${lastCommand}`);
  return toPlainLine(said, { maxLength: 160 });
}
