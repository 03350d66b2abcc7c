import { findDestination, type DestinationOptions } from "../publish/destination.ts";
import { publishChanges } from "../publish/publish.ts";
import { publishFinishedRun } from "../orchestrator/publish-run.ts";
import type { Logger } from "../logger.ts";
import type { Mask } from "../masking/mask.ts";
import { restorePublication } from "../orchestrator/restore-publication.ts";
import { toShownRequest } from "../masking/run-mask.ts";
import { maskPublication } from "./to-publication.ts";
import type { FinishedRun, RunReporter } from "../orchestrator/run-reporter.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import type { RunFilesEverywhere } from "../orchestrator/run-files.ts";
import { checkPatch } from "../secret-scan/check-patch.ts";
import type { PatchScanner } from "../secret-scan/patch-scanner.ts";
import type { StatePaths } from "../store/paths.ts";
import { toRunFile } from "../store/run-files.ts";
import type { RunStore } from "../store/runs.ts";

export type PublishKeptRunOptions = {
  store: RunStore;
  paths: StatePaths;
  files: RunFilesEverywhere;
  destinations: DestinationOptions;
  protectedFiles: "held" | "allowed";
  mask: Mask;
  scanner: PatchScanner;
  /** Tells whoever asked for the run what has become of it now. */
  reporter: RunReporter | null;
  log: Logger;
};

/**
 * Publishes what a run kept, records its new result and tells it where the run was asked for. Resolves with all of it, as
 * `result.json` is. Rejects with `RunError`; of a run that is published already it is written and told once more, since the
 * process that published it may not have come to that.
 */
export async function publishKeptRun(runId: RunId, options: PublishKeptRunOptions): Promise<RunResult> {
  const { store, paths, files, destinations, protectedFiles, mask, scanner } = options;
  const request = await store.request(runId);
  const [record, verification] = await Promise.all([store.find(runId), store.findVerification(runId)]);
  const result = record?.result ?? null;
  if (request === null || result === null) {
    throw new RunError("push-rejected", "The run is not over yet, so there is nothing to publish.", {
      hint: "Wait for its end.",
    });
  }
  if (result.pull_request !== null) {
    await files.writeResult(await files.completeResult(result));
    await tell(request, { ...options, result, verification });
  }
  await files.bringHere(runId);
  const published = await publishFinishedRun(
    { request, result },
    {
      protectedFiles,
      verification,
      // Whoever publishes may; the one who asked for the run may have lost the permission since, which is why others do it.
      reachRepository: (asked) => findDestination(asked, { ...destinations, askPermission: async () => null }),
      restore: async (asked, { destination }) => {
        const { base, usage, codex, timings, output } = result;
        const kept = { base, usage, codex, timings, summary: output.summary, verification };
        return maskPublication(await restorePublication(asked, { kept, destination, paths }), mask);
      },
      publishChanges,
      findSecrets: () => checkPatch(toRunFile(paths, { runId, file: "patch" }), { mask, scanner }),
    },
  );
  await store.replaceResult(published);
  const document = await files.completeResult(published);
  await files.writeResult(document);
  await tell(request, { ...options, result: published, verification });
  return document;
}

async function tell(
  request: RunRequest,
  { reporter, store, log, ...known }: PublishKeptRunOptions & Pick<FinishedRun, "result" | "verification">,
): Promise<void> {
  const { result, verification } = known;
  try {
    const leftOut = await store.findLeftOut(result.run_id);
    await reporter?.onFinished({ request: toShownRequest(request), result, verification, leftOut, patch: null });
  } catch (error) {
    log.warn({ runId: result.run_id, err: error }, "what was published could not be told");
  }
}
