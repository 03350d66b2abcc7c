import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { startAgent, type AgentSettings } from "./agent.ts";
import type { ContainerEngine } from "./container/engine.ts";
import type { Stages } from "./execute-run.ts";
import type { Mask } from "./mask.ts";
import type { RunWatch } from "./orchestrator.ts";
import { findDestination, type DestinationOptions } from "./publish/destination.ts";
import { findHiddenCharacters } from "./publish/hidden-characters.ts";
import { preparePublishing, publishChanges, type Publication } from "./publish/publish.ts";
import { toPathText } from "./run/changes.ts";
import { NO_ACTIVITY } from "./run/progress.ts";
import { RunError } from "./run/failure.ts";
import { LOG_TAIL_BYTES } from "./restore-publication.ts";
import type { RunRequest } from "./run/request.ts";
import type { StatePaths } from "./store/paths.ts";
import { holdsSecret } from "./store/find-secret.ts";
import { readLogTail, toRunFile } from "./store/run-files.ts";
import { openRunLog } from "./store/run-log.ts";
import { withFreshCredential } from "./publish/fresh-credential.ts";
import { cloneWorkspace } from "./workspace/clone-workspace.ts";
import { collectChanges } from "./workspace/collect-changes.ts";
import { openWorkspace } from "./workspace/workspace.ts";

export type StagesOptions = {
  engine: ContainerEngine;
  settings: AgentSettings;
  destinations: DestinationOptions;
  paths: StatePaths;
  mask: Mask;
};

/** Binds the rooms to one run. Disposing it closes the run's log. */
export function bindStages(
  request: RunRequest,
  { watch, ...options }: StagesOptions & { watch: RunWatch },
): Stages & AsyncDisposable {
  const { engine, settings, paths, mask } = options;
  const log = openRunLog(paths, { runId: request.run_id, mask });
  const commands: string[] = [];
  let activity = NO_ACTIVITY;

  return {
    openWorkspace: () => openWorkspace(request.run_id, { workRoot: paths.work }),
    startAgent: (_request, { workspace }) =>
      startAgent(request, {
        engine,
        settings,
        workspace,
        paths,
        log,
        onActivity: (now) => {
          if (now.lastCommand !== null && now.commands !== activity.commands) commands.push(now.lastCommand);
          activity = now;
          watch.onActivity(now);
        },
      }),
    reachRepository: () => findDestination(request, options.destinations),
    cloneWorkspace: async (workspace, { destination, signal }) => {
      const base = await withFreshCredential({ mint: destination.readCredential }, (credential) =>
        cloneWorkspace(workspace, {
          ...{ url: destination.url, baseRef: request.base, credential, mirrorRoot: paths.mirrors, signal },
          owner: process.getuid?.() === 0 ? settings.user : null,
        }),
      );
      await checkFolder(request.dir, { workspace, base });
      return base;
    },
    collectChanges: (workspace, { base }) =>
      collectChanges(workspace, { base, patchPath: toRunFile(paths, { runId: request.run_id, file: "patch" }) }),
    holdsSecret: () => holdsSecret(toRunFile(paths, { runId: request.run_id, file: "patch" }), mask),
    toPublication: async (_request, { outcome, collected, base, ended }): Promise<Publication> => {
      const [tail, hiddenCharacters] = await Promise.all([
        readLogTail(paths, { runId: request.run_id, maxBytes: LOG_TAIL_BYTES }),
        findHiddenCharacters(toRunFile(paths, { runId: request.run_id, file: "patch" })),
      ]);
      return {
        request,
        mirrorPath: base.mirrorPath,
        treeSha: collected.treeSha,
        base: { ref: base.ref, sha: base.sha },
        summary: outcome.summary,
        body: {
          files: collected.changes.map(({ path, kind }) => ({ path: toPathText(path), kind })),
          leftOut: outcome.leftOut,
          hiddenCharacters,
          commands,
          logTail: tail?.text ?? null,
          usage: ended.usage,
          codexVersion: ended.codexVersion,
          model: ended.model,
          runningS: watch.stopwatch.timings().running ?? 0,
        },
      };
    },
    preparePublishing,
    publishChanges,
    [Symbol.asyncDispose]: () => log.close(),
  };
}

/** A folder to work in that is not there would end in a riddle of Codex's; nothing has been paid for yet here. */
async function checkFolder(
  dir: string | null,
  { workspace, base }: { workspace: { treePath: string }; base: { ref: string } },
): Promise<void> {
  if (dir === null) return;
  const found = await lstat(join(workspace.treePath, dir)).catch(() => null);
  if (found?.isDirectory() === true) return;
  throw new RunError("clone-failed", `There is no folder ${JSON.stringify(dir)} on the branch ${base.ref}.`, {
    hint: "Name a folder of the repository with --dir.",
  });
}
