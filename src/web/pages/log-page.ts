import type { RunFilesEverywhere } from "../../orchestrator/run-files.ts";
import type { RunId } from "../../run/id.ts";
import type { ColourSpan } from "../../store/log-colours.ts";

/**
 * A part of a log in whole lines, where that is possible, and how it looks. Offsets are in bytes; `size` is the log's when it
 * was read.
 */
export type LogPage = { text: string; colours: ColourSpan[]; begin: number; end: number; size: number };

/** How much of a log a page shows, and how much is sent at once. */
export const LOG_PAGE_BYTES = 64 * 1024;

export type ReadLogOptions = { runId: RunId; /** Null: the end of the log. */ from: number | null };

/** Reads a part of a log that begins at, or right after, a byte; null when there is no log. */
export async function readLogPage(
  files: Pick<RunFilesEverywhere, "readPage" | "readColours" | "size">,
  { runId, from }: ReadLogOptions,
): Promise<LogPage | null> {
  const size = await files.size(runId, "log");
  if (size === null) return null;
  const start = Math.min(from ?? Math.max(0, size - LOG_PAGE_BYTES), size);
  // The byte before tells whether a line begins here.
  const offset = Math.max(0, start - 1);
  const page = await files.readPage(runId, "log", { offset, limit: LOG_PAGE_BYTES + start - offset });
  if (page === null) return null;
  const firstBreak = page.text.indexOf("\n");
  const skipped = start === 0 || firstBreak < 0 ? "" : page.text.slice(0, firstBreak + 1);
  const rest = page.text.slice(skipped.length);
  const lastBreak = rest.lastIndexOf("\n");
  const text = page.nextOffset === null || lastBreak < 0 ? rest : rest.slice(0, lastBreak + 1);
  const begin = page.offset + Buffer.byteLength(skipped);
  const whole = page.nextOffset ?? page.size;
  const end = whole - Buffer.byteLength(rest.slice(text.length));
  const colours = await files.readColours(runId, { from: begin, to: end });
  return { text, colours, begin, end, size: page.size };
}
