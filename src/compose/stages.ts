import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { resumeAgent, startAgent, type Agent } from "../agent/agent.ts";
import type { RunBudget } from "../budget/budget-ledger.ts";
import { toSpentWords } from "../budget/start-refusal.ts";
import { fetchPictures, type FetchPicturesOptions } from "../attachment/fetch-pictures.ts";
import type { StartAgentOptions } from "../agent/agent-options.ts";
import type { AgentSettings } from "../agent/agent-settings.ts";
import type { RunWatch } from "../orchestrator/run-life.ts";
import type { RunThreads } from "../orchestrator/run-threads.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { createImageFinder } from "../container/run-image.ts";
import { checkRunModel } from "../gateway/allowed-model.ts";
import type { CommandRoom } from "../repo-commands/command-room.ts";
import { setUpWorkspace } from "../repo-commands/set-up-workspace.ts";
import { verifyWork } from "../repo-commands/verify-work.ts";
import type { Stages, TurnOptions } from "../orchestrator/run-stages.ts";
import { readLogStart } from "../store/log-start.ts";
import type { Mask } from "../masking/mask.ts";
import { checkNewBranch } from "../publish/check-new-branch.ts";
import { findDestination, type Destination, type DestinationOptions } from "../publish/destination.ts";
import { withFreshCredential } from "../publish/fresh-credential.ts";
import { findSignedAttachments } from "../publish/signed-attachments.ts";
import { preparePublishing, publishChanges } from "../publish/publish.ts";
import { checkRunImage, type ImageFilter } from "../repo-settings/allowed-image.ts";
import { toRunMask } from "../masking/run-mask.ts";
import { isOnOwnBranch } from "../run/continue-run.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { NO_ACTIVITY } from "../run/progress.ts";
import { toRepositoryName, type RunRequest } from "../run/request.ts";
import { toFileForms } from "../run/secret-values.ts";
import { checkPatch } from "../secret-scan/check-patch.ts";
import type { PatchScanner } from "../secret-scan/patch-scanner.ts";
import type { MachineSettings } from "./settings.ts";
import type { StatePaths } from "../store/paths.ts";
import { toRunFile } from "../store/run-files.ts";
import { toPublication } from "./to-publication.ts";
import { cloneWorkspace, type Base } from "../workspace/clone-workspace.ts";
import { collectChanges } from "../workspace/collect-changes.ts";
import type { PullHead } from "../workspace/fetch-pull.ts";
import { reopenWorkspace } from "../workspace/reopen-workspace.ts";
import { openWorkspace, type Workspace } from "../workspace/workspace.ts";

export type StagesOptions = {
  engine: ContainerEngine;
  settings: MachineSettings;
  isImageAllowed: ImageFilter;
  destinations: DestinationOptions;
  /** The budgets that the run shares with others. */
  budgetOf(request: RunRequest): RunBudget;
  paths: StatePaths;
  mask: Mask;
  /** Has a thread ready for the patch while the model works. */
  scanner: PatchScanner;
  /** Told how the set-up of every run ended. */
  setUps: CommandRoom["setUps"];
  /** Rejects with `disk-full` when the disks have no room for another run. */
  demandRoom(): Promise<void>;
  /** Removes a run's containers, workspace and socket, whatever of them there is. */
  discardRemains(runId: RunId): Promise<void>;
  /** Removes a run's containers alone. Never rejects. */
  discardContainers(runId: RunId): Promise<void>;
  /** Keeps what the run's files gain where other machines see it, until it is disposed. */
  follow(runId: RunId): AsyncDisposable;
  /** The threads of earlier runs, and this one's own. */
  threads: RunThreads;
  /** Has the patch of a run whose agent has ended on this machine. */
  bringHere(runId: RunId): Promise<void>;
  /** Makes what an agent left durable for other machines too. */
  share(runId: RunId): Promise<void>;
};

/** Binds the rooms to one run. */
export function bindStages(request: RunRequest, { watch, ...options }: StagesOptions & { watch: RunWatch }): Stages {
  const { engine, paths, scanner } = options;
  const { image: standard } = options.settings;
  const findImage = createImageFinder(engine, { image: request.rules.image ?? standard, standard });
  const settings: AgentSettings = { ...options.settings, findImage };
  const mask = toRunMask(options.mask, { variables: request.env_vars });
  const { detach } = watch.signals;
  const patchPath = toRunFile(paths, { runId: request.run_id, file: "patch" });
  const commands: string[] = [];
  const budget = options.budgetOf(request);
  const toAgentOptions = ({ workspace, attempt, turn }: TurnOptions): StartAgentOptions => ({
    ...{ engine, settings, workspace, paths, mask, attempt, turn, budget, signals: watch.signals },
    before: watch.before,
    bringThread: toThreadBringer(request, options),
    fetchPictures: toPictureFetcher(request, options),
    watch: { ...prepareScan(request, { scanner, watch }), onActivity: rememberCommands(commands, watch) },
  });
  const toRoom = (begun: Pick<TurnOptions, "workspace" | "attempt">): CommandRoom => ({
    ...{ engine, settings, paths, mask, signals: watch.signals, onCommand: watch.onRepoCommand, ...begun },
    setUps: options.setUps,
  });

  return {
    checkBudget: () => checkBudget(budget),
    openWorkspace: async (_request, { contents }) => {
      if (contents !== "worked-in") {
        checkRunImage(request, options);
        checkRunModel(request, settings.model);
        if (contents === "anew") await options.discardRemains(request.run_id);
        await options.demandRoom();
      }
      return leaveWhenDetached(await openWorkspace(request.run_id, { workRoot: paths.work }), detach);
    },
    startAgent: (_request, begun) => {
      // What the turns before it used is known for certain, and the silence begins anew.
      const before = begun.turn === null ? watch.before : { usage: begun.turn.before.usage, silentMs: 0 };
      return followed(startAgent(request, { ...toAgentOptions(begun), before }), { ...options, runId: request.run_id });
    },
    resumeAgent: async (_request, { logStart, ...begun }) => {
      const agent = await resumeAgent(request, { ...toAgentOptions(begun), logStart });
      return agent === null ? null : followed(agent, { ...options, runId: request.run_id });
    },
    reachRepository: () => findDestination(request, options.destinations),
    cloneWorkspace: async (workspace, { destination, signal }) => {
      const kept = await bringKept(request, options);
      const base = await withFreshCredential({ mint: destination.readCredential }, (credential) =>
        cloneWorkspace(workspace, {
          ...{ url: destination.url, baseRef: request.base, credential, mirrorRoot: paths.mirrors, kept },
          pull: toPullHead(request),
          signal: AbortSignal.any([signal, detach]),
          owner: toOwner(settings),
        }),
      ).catch((error: unknown) => explainGoneBranch(error, request));
      await checkPlaces(request, { workspace, base, destination });
      return base;
    },
    setUp: async (_request, { workspace, base, attempt }) => {
      await using _following = options.follow(request.run_id);
      await setUpWorkspace(request, { ...toRoom({ workspace, attempt }), base });
    },
    readLogStart: () => readLogStart(paths, { runId: request.run_id }),
    verify: async (_request, { workspace, attempt, timeoutMs }) => {
      await using _following = options.follow(request.run_id);
      return await verifyWork(request, { ...toRoom({ workspace, attempt }), timeoutMs });
    },
    discardContainers: () => options.discardContainers(request.run_id),
    findClone: async ({ runId }) => (await reopenWorkspace(runId, { workRoot: paths.work })).base,
    collectChanges: async (workspace, { base }) => {
      const hidden = options.threads.hide(request.run_id, { mask, owner: toOwner(settings) });
      const [collected] = await Promise.all([collectChanges(workspace, { base, patchPath }), hidden]);
      await options.share(request.run_id);
      return collected;
    },
    findSecrets: () => checkPatch(patchPath, { mask: options.mask.with(toFileForms(request.env_vars)), scanner }),
    toPublication: (_request, made) => toPublication(request, { ...made, paths, watch, commands, mask }),
    preparePublishing,
    publishChanges,
    awaitEngine: () => awaitEngine(engine, detach),
  };
}

/** Once the model has begun to work, a patch may come of it. */
function prepareScan({ mode }: RunRequest, { scanner, watch }: Pick<StagesOptions, "scanner"> & { watch: RunWatch }) {
  const onUsage: RunWatch["onUsage"] = (usage) => {
    if (mode !== "ask") scanner.prepare();
    watch.onUsage(usage);
  };
  return { ...watch, onUsage };
}

/** What waited for its turn may find the budget used up by those before it. */
async function checkBudget(budget: RunBudget): Promise<void> {
  const spent = await budget.findSpent();
  if (spent === null) return;
  const { what, hint } = toSpentWords(spent);
  throw new RunError("budget-exceeded", what, { hint });
}

/** What a run that only reads a pull request looks at: its head as it stood when the run was asked for. */
function toPullHead({ mode, pull }: RunRequest): PullHead | null {
  if (pull === null || mode !== "ask") return null;
  return { number: pull.number, sha: pull.head_sha, source: pull.head === "fork" ? "pull" : "branch" };
}

/** Who files of the container become: nobody but root can give them away. */
function toOwner({ user }: Pick<AgentSettings, "user">): { uid: number; gid: number } | null {
  return process.getuid?.() === 0 ? user : null;
}

function toThreadBringer(
  { run_id: runId, resume }: RunRequest,
  { threads, settings }: StagesOptions,
): (() => Promise<void>) | null {
  return resume === null ? null : () => threads.bring(resume.run_id, { to: runId, owner: toOwner(settings) });
}

/** Fetches as the App where the run was asked for; nobody else's GitHub has such pictures. */
function toPictureFetcher(
  { thread, repository }: RunRequest,
  { destinations }: StagesOptions,
): StartAgentOptions["fetchPictures"] {
  const { access, webUrl, hasCredentials } = destinations;
  const target =
    thread === null ? null : { installationId: thread.installation_id, repositoryId: thread.repository_id };
  const readCredential = async () => (target === null || !hasCredentials ? null : access.attachmentCredential(target));
  const findSigned: FetchPicturesOptions["findSigned"] = async (addresses, { signal }) =>
    target === null || !hasCredentials
      ? new Map()
      : findSignedAttachments(access.octokitFor(target), {
          ...{ addresses, repository: toRepositoryName(repository), signal },
        });
  return (addresses) => fetchPictures(addresses, { webUrl, readCredential, findSigned });
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

/** Looks at what the run was told by name, while nothing has been paid for yet. */
async function checkPlaces(
  request: RunRequest,
  { workspace, base, destination }: { workspace: Workspace; base: Base; destination: Destination },
): Promise<void> {
  await checkFolder(request.dir, { workspace, base });
  await checkNewBranch(request, { mirrorPath: base.mirrorPath, destination });
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
