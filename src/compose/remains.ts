import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContainerEngine } from "../container/engine.ts";
import { reapContainers } from "../container/reap-containers.ts";
import type { Logger } from "../logger.ts";
import type { RunId } from "../run/id.ts";
import { RunId as RunIdSchema } from "../run/id.ts";
import type { StatePaths } from "../store/paths.ts";
import { sharesFolders, type ProcessIdentity } from "../store/process-identity.ts";
import type { RunStore } from "../store/runs.ts";
import { reapWorkspaces } from "../workspace/reap-workspaces.ts";
import { discardWorkspace } from "../workspace/reopen-workspace.ts";

export type RemainsOptions = {
  engine: ContainerEngine;
  store: RunStore;
  paths: StatePaths;
  process: ProcessIdentity;
  log: Logger;
};

/** Whether the files of a run are kept here: nobody with other folders took it after us. */
export async function isKeptHere(
  runId: RunId,
  { store, process }: Pick<RemainsOptions, "store" | "process">,
): Promise<boolean> {
  const { machine } = await store.takenBy(runId);
  return machine === null || sharesFolders(machine, process);
}

/** Removes a run's containers, whatever of them there is. Never rejects. */
export async function discardContainers(
  runId: RunId,
  { engine, paths, log }: Pick<RemainsOptions, "engine" | "paths" | "log">,
): Promise<void> {
  try {
    const containers = await engine.listRunContainers({ instanceId: paths.instance, runId });
    for (const { id } of containers) await engine.removeContainer(id);
  } catch (error) {
    log.warn({ runId, err: error }, "containers of the run could not be removed, and are reaped later");
  }
}

/** Removes a run's containers, its workspace and its socket, whatever of them there is. Never rejects. */
export async function discardRemains(runId: RunId, options: RemainsOptions): Promise<void> {
  const { paths } = options;
  await discardContainers(runId, options);
  await discardWorkspace(runId, { workRoot: paths.work });
  await rm(paths.socketFolder(runId), { recursive: true, force: true });
}

/**
 * Removes what dead processes left and no open run wants: containers by their labels, workspaces and sockets by their
 * names. A run that somebody with other folders has taken over by now does not want what is left of it here. Never
 * rejects.
 */
export async function reapRemains(options: RemainsOptions): Promise<void> {
  const { engine, store, paths, log } = options;
  const isSomeWanted = createWantedCheck(options);
  const isWanted = (runId: string): Promise<boolean> => isSomeWanted((wanted) => wanted === runId);
  try {
    const workspaces = await reapWorkspaces({ workRoot: paths.work, mirrorRoot: paths.mirrors, isWanted });
    const sockets = await reapSockets(paths, { isSomeWanted });
    const containers = await reapContainers(engine, {
      instanceId: paths.instance,
      isWanted,
      isOver: async (runId) => (await store.find(RunIdSchema.parse(runId))) !== null,
    });
    const reaped = { containers: containers.length, workspaces: workspaces.length, sockets };
    if (containers.length + workspaces.length + sockets > 0) log.warn(reaped, "what dead processes left was removed");
  } catch (error) {
    log.warn({ err: error }, "what dead processes left could not be removed, and is looked for again");
  }
}

type WantedCheck = (isIt: (runId: RunId) => boolean) => Promise<boolean>;

/**
 * Whether a run wants what is here, asked after it was found. What no run wanted at the last look is looked up anew,
 * since its run may just have begun.
 */
function createWantedCheck({ store, process }: RemainsOptions): WantedCheck {
  let wanted: RunId[] = [];
  return async (isIt) => {
    if (wanted.some(isIt)) return true;
    const open = await store.listOpen();
    const here = open.filter(({ machine, lease }) => lease !== "held" || sharesFolders(machine, process));
    wanted = here.map(({ runId }) => runId);
    return wanted.some(isIt);
  };
}

/** A socket's folder bears the last part of its run's id. */
async function reapSockets(paths: StatePaths, { isSomeWanted }: { isSomeWanted: WantedCheck }): Promise<number> {
  const folder = dirname(paths.socketFolder(RunIdSchema.parse("00000000-0000-7000-8000-000000000000")));
  let reaped = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    if (await isSomeWanted((runId) => runId.endsWith(name))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    reaped += 1;
  }
  return reaped;
}
