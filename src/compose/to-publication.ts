import type { Mask } from "../masking/mask.ts";
import { findHiddenCharacters } from "../publish/hidden-characters.ts";
import type { Publication } from "../publish/publish.ts";
import { LOG_TAIL_BYTES, restorePublication } from "../orchestrator/restore-publication.ts";
import type { RunWatch } from "../orchestrator/run-life.ts";
import { toShownRequest } from "../masking/run-mask.ts";
import type { ToPublicationOptions } from "../orchestrator/run-stages.ts";
import { toPathText } from "../run/changes.ts";
import type { RunRequest } from "../run/request.ts";
import type { StatePaths } from "../store/paths.ts";
import { readLogTail, toRunFile } from "../store/run-files.ts";

type PublicationOptions = ToPublicationOptions & {
  paths: StatePaths;
  watch: Pick<RunWatch, "stopwatch">;
  /** What the agent said it ran, newest last. */
  commands: string[];
};

/** What is published of a run, from the tree that was just made or from its patch, with its secrets hidden in all that it says. */
export async function toPublication(
  request: RunRequest,
  { mask, ...options }: PublicationOptions & { mask: Mask },
): Promise<Publication> {
  return maskPublication(await gather(toShownRequest(request), options), mask);
}

async function gather(request: RunRequest, options: PublicationOptions): Promise<Publication> {
  const { outcome, verification, ended, base, destination, collected, paths, watch, commands } = options;
  const { usage, codexVersion, image = null, model } = ended;
  if (collected === null) {
    const codex = { version: codexVersion, thread_id: ended.report.threadId, model };
    const kept = {
      base,
      usage,
      codex,
      image,
      timings: watch.stopwatch.timings(),
      summary: outcome.summary,
      verification,
    };
    return restorePublication(request, { kept, destination, paths });
  }
  const runId = request.run_id;
  const [tail, hiddenCharacters] = await Promise.all([
    readLogTail(paths, { runId, maxBytes: LOG_TAIL_BYTES }),
    findHiddenCharacters(toRunFile(paths, { runId, file: "patch" })),
  ]);
  const { treeSha, changes } = collected.changes;
  return {
    ...{ request, mirrorPath: collected.base.mirrorPath, treeSha, base, summary: outcome.summary },
    body: {
      files: changes.map(({ path, kind }) => ({ path: toPathText(path), kind })),
      ...{ leftOut: outcome.leftOut, verification, hiddenCharacters, commands, logTail: tail?.text ?? null },
      ...{ usage, codexVersion, image, model, runningS: watch.stopwatch.timings().running ?? 0 },
    },
  };
}

/** What is published in words, with the run's secrets hidden. What the agent said is masked already. */
export function maskPublication(publication: Publication, mask: Mask): Publication {
  const { files, leftOut, hiddenCharacters } = publication.body;
  const body = {
    ...publication.body,
    files: files.map((file) => ({ ...file, path: mask.text(file.path) })),
    leftOut: leftOut.map(({ path, why }) => ({ path: mask.text(path), why })),
    hiddenCharacters: hiddenCharacters.map(mask.text),
  };
  const request = { ...publication.request, prompt: mask.text(publication.request.prompt) };
  return { ...publication, request, body };
}
