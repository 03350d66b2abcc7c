import { findDestination, type DestinationOptions } from "./publish/destination.ts";
import { publishChanges } from "./publish/publish.ts";
import { publishFinishedRun } from "./publish-run.ts";
import { restorePublication } from "./restore-publication.ts";
import { RunError } from "./run/failure.ts";
import type { RunId } from "./run/id.ts";
import type { RunResult } from "./run/result.ts";
import type { RunFilesEverywhere } from "./run-files.ts";
import type { StatePaths } from "./store/paths.ts";
import type { RunStore } from "./store/runs.ts";

export type PublishKeptRunOptions = {
  store: RunStore;
  paths: StatePaths;
  files: RunFilesEverywhere;
  destinations: DestinationOptions;
  protectedFiles: "held" | "allowed";
};

/** Publishes what a run kept, and records its new result. Resolves with all of it, as `result.json` is. Rejects with `RunError`. */
export async function publishKeptRun(
  runId: RunId,
  { store, paths, files, destinations, protectedFiles }: PublishKeptRunOptions,
): Promise<RunResult> {
  const request = await store.request(runId);
  const result = (await store.find(runId))?.result ?? null;
  if (request === null || result === null) {
    throw new RunError("push-rejected", "The run is not over yet, so there is nothing to publish.", {
      hint: "Wait for its end.",
    });
  }
  await files.bringHere(runId);
  const published = await publishFinishedRun(
    { request, result },
    {
      protectedFiles,
      reachRepository: (asked) => findDestination(asked, destinations),
      restore: (asked, { destination }) => {
        const { base, usage, codex, timings, output } = result;
        const kept = { base, usage, codex, timings, summary: output.summary };
        return restorePublication(asked, { kept, destination, paths });
      },
      publishChanges,
    },
  );
  await store.replaceResult(published);
  const document = await files.completeResult(published);
  await files.writeResult(document);
  return document;
}
