import type { Destination } from "../publish/destination.ts";
import { findHiddenCharacters } from "../publish/hidden-characters.ts";
import type { Publication } from "../publish/publish.ts";
import { PUBLISH_RETRY, retryPassing, type RetryPlan } from "../publish/retry-passing.ts";
import { toPathText } from "../run/changes.ts";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import type { UsedImage } from "../run/used-image.ts";
import type { Verification } from "../run/verification.ts";
import type { StatePaths } from "../store/paths.ts";
import { readLogTail, toRunFile } from "../store/run-files.ts";
import { restoreTree } from "../workspace/restore-tree.ts";

/** How much of the log's end a pull request shows, in bytes. */
export const LOG_TAIL_BYTES = 12 * 1024;

/** What is known of a run whose agent has ended, by its record or its result. */
export type KeptRun = Pick<RunResult, "base" | "usage" | "codex" | "timings"> & {
  summary: string | null;
  verification: Verification | null;
  image?: UsedImage | null;
};

export type RestoreOptions = {
  kept: KeptRun;
  destination: Destination;
  paths: StatePaths;
  /** How long a commit that has to be fetched is asked for; default about a quarter of an hour. */
  plan?: RetryPlan;
  /** Aborting it ends the fetch, and any waiting; rejects with the signal's reason. */
  signal?: AbortSignal;
};

/**
 * What is to be published, made again from the patch of a run: by a later process, or on another machine. Rejects with
 * `push-rejected`.
 */
export async function restorePublication(
  request: RunRequest,
  { kept, destination, paths, plan = PUBLISH_RETRY, signal }: RestoreOptions,
): Promise<Publication> {
  const { base, summary, verification, usage, codex, image = null, timings } = kept;
  if (base === null || base.ref === null || base.sha === null)
    throw new RunError("push-rejected", "The run never got as far as a commit to start from.");
  const { sha } = base;
  const runId = request.run_id;
  const patchPath = toRunFile(paths, { runId, file: "patch" });
  const [restored, tail, hiddenCharacters] = await Promise.all([
    retryPassing(
      () =>
        restoreTree(runId, {
          ...{ url: destination.url, baseSha: sha, patchPath, mirrorRoot: paths.mirrors, workRoot: paths.work },
          readCredential: destination.readCredential,
          ...(signal === undefined ? {} : { signal }),
        }),
      { plan, signal },
    ),
    readLogTail(paths, { runId, maxBytes: LOG_TAIL_BYTES }),
    findHiddenCharacters(patchPath),
  ]);
  return {
    request,
    mirrorPath: restored.mirrorPath,
    treeSha: restored.treeSha,
    base: { ref: base.ref, sha: base.sha },
    summary,
    body: {
      files: restored.changes.map(({ path, kind }) => ({ path: toPathText(path), kind })),
      leftOut: [],
      verification,
      hiddenCharacters,
      commands: [],
      logTail: tail?.text ?? null,
      usage: usage ?? { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 },
      codexVersion: codex?.version ?? null,
      image,
      model: codex?.model ?? null,
      runningS: timings.running ?? 0,
    },
  };
}
