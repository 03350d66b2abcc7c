import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import { readTail, toLocalFile, type Tail } from "./page.ts";
import type { StatePaths } from "./paths.ts";

/** The files a run leaves under RUNS_PATH/<run_id>/. */
export const runFileNames = {
  request: "request.json",
  events: "events.jsonl",
  log: "log.txt",
  colours: "log.colours",
  patch: "changes.patch",
  result: "result.json",
} as const;
export type RunFile = keyof typeof runFileNames;

/** Where a file of a run lies, or will lie. */
export function toRunFile(paths: StatePaths, { runId, file }: { runId: RunId; file: RunFile }): string {
  return join(paths.runFolder(runId), runFileNames[file]);
}

/** Makes the run's folder and its first file. On disk when it resolves. */
export async function writeRequest(paths: StatePaths, request: RunRequest): Promise<void> {
  await mkdir(paths.runFolder(request.run_id), { recursive: true, mode: 0o750 });
  await writeDurably(
    toRunFile(paths, { runId: request.run_id, file: "request" }),
    `${JSON.stringify(request, null, 2)}\n`,
  );
}

/** Writes the last file, for a run that has no other as well: complete and on disk, or not there at all. */
export async function writeResult(paths: StatePaths, result: RunResult): Promise<void> {
  await mkdir(paths.runFolder(result.run_id), { recursive: true, mode: 0o750 });
  const target = toRunFile(paths, { runId: result.run_id, file: "result" });
  const draft = join(paths.work, `${result.run_id}.result`);
  await writeDurably(draft, `${JSON.stringify(result, null, 2)}\n`);
  await rename(draft, target);
}

/** The patch of a run as text, up to `maxBytes`; null when there is none, it is empty, or it is larger. */
export async function readPatch(
  paths: StatePaths,
  { runId, maxBytes }: { runId: RunId; maxBytes: number },
): Promise<string | null> {
  const path = toRunFile(paths, { runId, file: "patch" });
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  return size === 0 || size > maxBytes ? null : readFile(path, "utf8");
}

/** The last whole characters of the log on this machine within `maxBytes`; null when there is none. */
export function readLogTail(
  paths: StatePaths,
  { runId, maxBytes }: { runId: RunId; maxBytes: number },
): Promise<Tail | null> {
  return readTail(toLocalFile(toRunFile(paths, { runId, file: "log" })), { maxBytes });
}

/** A file of a run as a stream of bytes; rejects through the stream's `error` event when it is not there. */
export function streamRunFile(paths: StatePaths, options: { runId: RunId; file: RunFile }): NodeJS.ReadableStream {
  return createReadStream(toRunFile(paths, options));
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, "w", 0o640);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
