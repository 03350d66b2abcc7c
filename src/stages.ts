import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { resumeAgent, startAgent, type Agent } from "./agent/agent.ts";
import type { StartAgentOptions } from "./agent/agent-options.ts";
import type { AgentSettings } from "./agent/agent-settings.ts";
import type { RunWatch } from "./run-life.ts";
import type { RunThreads } from "./run-threads.ts";
import type { ContainerEngine } from "./container/engine.ts";
import type { Stages, ToPublicationOptions } from "./execute-run.ts";
import type { Mask } from "./mask.ts";
import { findDestination, type DestinationOptions } from "./publish/destination.ts";
import { withFreshCredential } from "./publish/fresh-credential.ts";
import { findHiddenCharacters } from "./publish/hidden-characters.ts";
import { preparePublishing, publishChanges, type Publication } from "./publish/publish.ts";
import { LOG_TAIL_BYTES, restorePublication } from "./restore-publication.ts";
import { toRunMask, toShownRequest } from "./run-mask.ts";
import { toPathText } from "./run/changes.ts";
import { isOnOwnBranch } from "./run/continue-run.ts";
import { RunError } from "./run/failure.ts";
import type { RunId } from "./run/id.ts";
import { NO_ACTIVITY } from "./run/progress.ts";
import type { RunRequest } from "./run/request.ts";
import { toPatchForms } from "./run/secret-values.ts";
import { holdsSecret } from "./store/find-secret.ts";
import type { StatePaths } from "./store/paths.ts";
import { readLogTail, toRunFile } from "./store/run-files.ts";
import { cloneWorkspace } from "./workspace/clone-workspace.ts";
import { collectChanges } from "./workspace/collect-changes.ts";
import { checkDiskReserve } from "./workspace/disk-reserve.ts";
import { reopenWorkspace } from "./workspace/reopen-workspace.ts";
import { openWorkspace, type Workspace } from "./workspace/workspace.ts";

export type StagesOptions = {
  engine: ContainerEngine;
  settings: AgentSettings;
  destinations: DestinationOptions;
  paths: StatePaths;
  mask: Mask;
  /** Removes a run's containers, workspace and socket, whatever of them there is. */
  discardRemains(runId: RunId): Promise<void>;
  /** Keeps what the run's files gain where other machines see it, until it is disposed. */
  follow(runId: RunId): AsyncDisposable;
  /** Puts the thread of an earlier run where the container of this one finds it. */
  bringThread: RunThreads["bring"];
  /** Has the patch of a run whose agent has ended on this machine. */
  bringHere(runId: RunId): Promise<void>;
  /** Makes what an agent left durable for other machines too. */
  share(runId: RunId): Promise<void>;
};

/** Binds the rooms to one run. */
export function bindStages(request: RunRequest, { watch, ...options }: StagesOptions & { watch: RunWatch }): Stages {
  const { engine, settings, paths } = options;
  const mask = toRunMask(options.mask, { variables: request.env_vars });
  const { detach } = watch.signals;
  const commands: string[] = [];
  const toAgentOptions = (workspace: Workspace, attempt: number): StartAgentOptions => ({
    ...{ engine, settings, workspace, paths, mask, attempt, signals: watch.signals },
    before: watch.before,
    bringThread: toThreadBringer(request, options),
    watch: { ...watch, onActivity: rememberCommands(commands, watch) },
  });

  return {
    openWorkspace: async (_request, { contents }) => {
      if (contents === "anew") await options.discardRemains(request.run_id);
      await checkDiskReserve({ path: paths.work });
      return leaveWhenDetached(await openWorkspace(request.run_id, { workRoot: paths.work }), detach);
    },
    startAgent: (_request, { workspace, attempt }) =>
      followed(startAgent(request, toAgentOptions(workspace, attempt)), { ...options, runId: request.run_id }),
    resumeAgent: async (_request, { workspace, attempt }) => {
      const agent = await resumeAgent(request, toAgentOptions(workspace, attempt));
      return agent === null ? null : followed(agent, { ...options, runId: request.run_id });
    },
    reachRepository: () => findDestination(request, options.destinations),
    cloneWorkspace: async (workspace, { destination, signal }) => {
      const kept = await bringKept(request, options);
      const base = await withFreshCredential({ mint: destination.readCredential }, (credential) =>
        cloneWorkspace(workspace, {
          ...{ url: destination.url, baseRef: request.base, credential, mirrorRoot: paths.mirrors, kept },
          signal: AbortSignal.any([signal, detach]),
          owner: toOwner(settings),
        }),
      ).catch((error: unknown) => explainGoneBranch(error, request));
      await checkFolder(request.dir, { workspace, base });
      return base;
    },
    findClone: async ({ runId }) => (await reopenWorkspace(runId, { workRoot: paths.work })).base,
    collectChanges: async (workspace, { base }) => {
      const patchPath = toRunFile(paths, { runId: request.run_id, file: "patch" });
      const collected = await collectChanges(workspace, { base, patchPath });
      await options.share(request.run_id);
      return collected;
    },
    holdsSecret: () =>
      holdsSecret(
        toRunFile(paths, { runId: request.run_id, file: "patch" }),
        options.mask.with(toPatchForms(request.env_vars)),
      ),
    toPublication: async (_request, made) =>
      maskPublication(await toPublication(toShownRequest(request), { ...made, paths, watch, commands }), mask),
    preparePublishing,
    publishChanges,
    awaitEngine: () => awaitEngine(engine, detach),
  };
}

/** Who files of the container become: nobody but root can give them away. */
function toOwner({ user }: AgentSettings): { uid: number; gid: number } | null {
  return process.getuid?.() === 0 ? user : null;
}

function toThreadBringer(
  { run_id: runId, resume }: RunRequest,
  { bringThread, settings }: StagesOptions,
): (() => Promise<void>) | null {
  return resume === null ? null : () => bringThread(resume.run_id, { to: runId, owner: toOwner(settings) });
}

/** A branch that an earlier run pushed and that is gone was merged or deleted since; no other branch will do. */
function explainGoneBranch(error: unknown, request: RunRequest): never {
  const isGone = error instanceof RunError && error.failure.reason === "base-missing" && isOnOwnBranch(request);
  if (!isGone) throw error;
  throw new RunError("base-missing", `The branch ${request.branch} is gone: it was merged or deleted.`, {
    hint: "Start a new run; what was merged stands in its base.",
    cause: error,
  });
}

/** The patch that stands in the workspace from the beginning; null when there is none. */
async function bringKept(
  { resume }: RunRequest,
  { bringHere, paths }: StagesOptions,
): Promise<{ sha: string; patchPath: string } | null> {
  if (resume?.changes !== "kept" || resume.base_sha === null) return null;
  await bringHere(resume.run_id);
  return { sha: resume.base_sha, patchPath: toRunFile(paths, { runId: resume.run_id, file: "patch" }) };
}

/** An agent whose output other machines can see while it works. */
function followed(agent: Agent, { follow, runId }: StagesOptions & { runId: RunId }): Agent {
  return {
    ...agent,
    run: async (options) => {
      await using _following = follow(runId);
      return await agent.run(options);
    },
  };
}

function rememberCommands(commands: string[], watch: RunWatch): RunWatch["onActivity"] {
  let activity = NO_ACTIVITY;
  return (now) => {
    if (now.lastCommand !== null && now.commands !== activity.commands) commands.push(now.lastCommand);
    activity = now;
    watch.onActivity(now);
  };
}

/** A workspace whose disposal leaves it as it is when the run is left to another process. */
function leaveWhenDetached(workspace: Workspace, detach: AbortSignal): Workspace {
  return {
    ...workspace,
    [Symbol.asyncDispose]: async () => {
      if (detach.aborted) workspace.keep();
      await workspace[Symbol.asyncDispose]();
    },
  };
}

type PublicationOptions = ToPublicationOptions & { paths: StatePaths; watch: RunWatch; commands: string[] };

async function toPublication(request: RunRequest, options: PublicationOptions): Promise<Publication> {
  const { outcome, ended, base, destination, collected, paths, watch, commands } = options;
  const { usage, codexVersion, model } = ended;
  if (collected === null) {
    const codex = { version: codexVersion, thread_id: ended.report.threadId, model };
    const kept = { base, usage, codex, timings: watch.stopwatch.timings(), summary: outcome.summary };
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
      ...{ leftOut: outcome.leftOut, hiddenCharacters, commands, logTail: tail?.text ?? null },
      ...{ usage, codexVersion, model, runningS: watch.stopwatch.timings().running ?? 0 },
    },
  };
}

/** What is published in words, with the run's secrets hidden. What the agent said is masked already. */
function maskPublication(publication: Publication, mask: Mask): Publication {
  const { files, leftOut, hiddenCharacters } = publication.body;
  const body = {
    ...publication.body,
    files: files.map((file) => ({ ...file, path: mask.text(file.path) })),
    leftOut: leftOut.map(({ path, why }) => ({ path: mask.text(path), why })),
    hiddenCharacters: hiddenCharacters.map(mask.text),
  };
  return { ...publication, body };
}

const ENGINE_WITHIN_MS = 60_000;
const ENGINE_EVERY_MS = 1_000;

/** Waits until the engine answers again; rejects as it does when it stays away for a minute. */
async function awaitEngine(engine: ContainerEngine, detach: AbortSignal): Promise<void> {
  const endsAt = performance.now() + ENGINE_WITHIN_MS;
  for (;;) {
    try {
      return void (await engine.readEngineInfo());
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await sleep(ENGINE_EVERY_MS, undefined, { signal: detach });
    }
  }
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
