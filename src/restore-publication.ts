import type { Destination } from "./publish/destination.ts";
import { findHiddenCharacters } from "./publish/hidden-characters.ts";
import type { Publication } from "./publish/publish.ts";
import { toPathText } from "./run/changes.ts";
import { RunError } from "./run/failure.ts";
import type { RunRequest } from "./run/request.ts";
import type { RunResult } from "./run/result.ts";
import type { StatePaths } from "./store/paths.ts";
import { readLogTail, toRunFile } from "./store/run-files.ts";
import { restoreTree } from "./workspace/restore-tree.ts";

/** How much of the log's end a pull request shows, in bytes. */
export const LOG_TAIL_BYTES = 12 * 1024;

export type RestoreOptions = { result: RunResult; destination: Destination; paths: StatePaths };

/** What is to be published, made again from the files of a run that is over. Rejects with `push-rejected`. */
export async function restorePublication(
  request: RunRequest,
  { result, destination, paths }: RestoreOptions,
): Promise<Publication> {
  const { base, output, usage, codex, timings } = result;
  if (base === null || base.ref === null || base.sha === null)
    throw new RunError("push-rejected", "The run never got as far as a commit to start from.");
  const runId = request.run_id;
  const patchPath = toRunFile(paths, { runId, file: "patch" });
  const [restored, tail, hiddenCharacters] = await Promise.all([
    restoreTree(runId, {
      url: destination.url,
      baseSha: base.sha,
      patchPath,
      mirrorRoot: paths.mirrors,
      workRoot: paths.work,
    }),
    readLogTail(paths, { runId, maxBytes: LOG_TAIL_BYTES }),
    findHiddenCharacters(patchPath),
  ]);
  return {
    request,
    mirrorPath: restored.mirrorPath,
    treeSha: restored.treeSha,
    base: { ref: base.ref, sha: base.sha },
    summary: output.summary,
    body: {
      files: restored.changes.map(({ path, kind }) => ({ path: toPathText(path), kind })),
      leftOut: [],
      hiddenCharacters,
      commands: [],
      logTail: tail?.text ?? null,
      usage: usage ?? { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 },
      codexVersion: codex?.version ?? null,
      model: codex?.model ?? null,
      runningS: timings.running ?? 0,
    },
  };
}
