import { toPlainText } from "../../../text/plain.ts";
import type { CommandCall } from "../command-call.ts";
import { toStatus } from "../retry.ts";
import { LIMITS } from "./limits.ts";
import { toAddress, toRequest, type ReadOptions } from "./part.ts";

/** What stands for a log that cannot be had: GitHub forgets them, and an App needs the right to read them. */
const NONE = "(The log is not available.)";

/**
 * The last lines of a job of GitHub Actions, up to its last error where it says one, without times and colours. Never rejects:
 * a log that cannot be had, or is endless, is said to be so.
 */
export async function readJobLog(
  jobId: number,
  { call, ...options }: ReadOptions & { call: CommandCall },
): Promise<string> {
  try {
    const { data } = await call.octokit.rest.actions.downloadJobLogsForWorkflowRun({
      ...{ ...toAddress(call), job_id: jobId },
      // Logs can be far longer than what is wanted of them.
      request: { ...toRequest(options), parseSuccessResponseBody: false },
    });
    const body: unknown = data;
    if (!(body instanceof ReadableStream)) return NONE;
    const end = await readEnd(body);
    return end === null ? "(The log is too long to be read.)" : toLastLines(end);
  } catch (error) {
    call.log.info({ jobId, status: toStatus(error) }, "a job's log could not be read");
    return NONE;
  }
}

/** Enough for all the lines that are wanted. */
const END_BYTES = 4 * LIMITS.logLines * LIMITS.logLineLength;

/** The end of a stream, never holding more than about that; null when it is longer than a log may be. */
async function readEnd(stream: ReadableStream<Uint8Array>): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let held = 0;
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > LIMITS.logBytes) return null;
    parts.push(part);
    held += part.length;
    while (held - (parts[0]?.length ?? 0) > END_BYTES) held -= parts.shift()?.length ?? 0;
  }
  return Buffer.concat(parts).subarray(-END_BYTES).toString("utf8");
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z /;

function toLastLines(text: string): string {
  const lines = toPlainText(text)
    .split("\n")
    .map((line) => line.replace(/^\ufeff/, "").replace(TIME, ""));
  // After the last error a job only tidies up.
  const error = lines.findLastIndex((line) => line.startsWith("##[error]"));
  const wanted = (error === -1 ? lines : lines.slice(0, error + 1)).filter((line) => line.trim() !== "");
  return wanted
    .slice(-LIMITS.logLines)
    .map((line) => (line.length <= LIMITS.logLineLength ? line : `${line.slice(0, LIMITS.logLineLength)}…`))
    .join("\n")
    .slice(-LIMITS.logLength)
    .toWellFormed();
}
