import { createReadStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createEventReader } from "../codex/events.ts";
import { createDeadBufferCounter } from "../dead-buffers.ts";
import type { LogStart } from "../run/checkpoint.ts";
import type { RunId } from "../run/id.ts";
import type { AgentReport } from "../run/outcome.ts";
import { toImageLine } from "../run/used-image.ts";
import { toRunFile } from "../store/run-files.ts";
import { cutLog } from "../store/log-start.ts";
import { openRunLog, type RunLog } from "../store/run-log.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { StartAgentOptions } from "./agent-options.ts";

export type Reading = {
  /** Settles when the output has ended. */
  report: Promise<AgentReport>;
  /** When anything was last read, on the clock of `performance.now()`. */
  lastOutputAt(): number;
  /** Writes what is still gathered. */
  close(): Promise<void>;
};

/** How long output that should have ended is waited for. */
const CLOSE_WITHIN_MS = 5_000;
/** How much output that was read and written may wait for the collector. */
const DEAD_OUTPUT_BYTES = 4 * 1024 ** 2;

/**
 * Reads the container's output as it comes into the run's log and events; a flood waits for the disk, so that it never
 * piles up in memory. Output that begins at its start replaces what an earlier process wrote of it, from `logStart` on; output
 * whose beginning the engine has dropped is added to it.
 */
export async function readOutput(
  runId: RunId,
  options: StartAgentOptions & AgentParts & { logStart: LogStart },
): Promise<Reading> {
  const { container, paths, mask, output, logStart } = options;
  if (output !== "cut") await cutLog(paths, { runId, at: logStart });
  const log = openRunLog(paths, { runId, mask, mode: "append" });
  if (output !== "cut" && options.turn === null && options.image !== null) log.writeLog(toImageLine(options.image));
  options.egress.listen((line) => log.writeLog(line));
  let sink: RunLog | null = output === "cut" ? null : log;
  let lastOutputAt = -Infinity;
  const letGo = createDeadBufferCounter({ everyBytes: DEAD_OUTPUT_BYTES });
  const reader = createEventReader({
    mask: mask.text,
    onActivity: options.watch.onActivity,
    onEventLine: (line) => sink?.writeEvent(line),
    onLogLine: (line, spans) => sink?.writeLog(line, spans),
  });
  if (output === "cut") {
    // What was said before, its thread's id above all, stands in the file alone.
    for await (const chunk of createReadStream(toRunFile(paths, { runId, file: "events" }), {
      start: logStart.events,
    }))
      reader.push(Buffer.from(chunk));
    reader.push(Buffer.from("\n")); // its last line may be half a one
    sink = log;
    log.writeLog("[the server was started anew here: a part of the output may be missing, or stand here twice]");
  }

  const isReplay = output !== "new";
  const startedAt = performance.now();
  const note = (): void => {
    // What the engine replays at once was heard long ago.
    if (!isReplay || performance.now() - startedAt > 1_000) lastOutputAt = performance.now();
  };
  const drain = async (): Promise<void> => {
    for await (const chunk of container.stdout) {
      note();
      reader.push(chunk);
      letGo(chunk.length);
      await log.drained();
    }
  };
  const drainErrors = async (): Promise<void> => {
    for await (const chunk of container.stderr) {
      note();
      reader.pushError(chunk);
      await log.drained();
    }
  };
  const report = Promise.all([drain(), drainErrors()]).then(() => reader.end());
  report.catch(() => {}); // awaited after the container's end
  return {
    report,
    lastOutputAt: () => lastOutputAt,
    close: async () => {
      await Promise.race([report.catch(() => {}), sleep(CLOSE_WITHIN_MS, undefined, { ref: false })]);
      await log.close();
    },
  };
}
