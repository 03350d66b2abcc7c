import type { RunId } from "../run/id.ts";
import type { ContainerEngine, ContainerState, FoundContainer, OutputReplay } from "./engine.ts";
import { removePatiently, type RemovalOptions } from "./remove-patiently.ts";
import { toRunningContainer, type RunningContainer } from "./start-container.ts";

/** What became of a run's container while nobody watched. */
export type Reattached =
  | ({ kind: "running" | "ended" } & Found)
  /** There is none, or none that was ever started. */
  | { kind: "gone" };

type Found = {
  /** Counts the containers of the run, from 1. */
  attempt: number;
  /** Its output is given again from the first byte that the engine has kept. */
  container: RunningContainer;
  /** False when the engine dropped the output's beginning, or may have: its log holds the last 10 to 20 MB. */
  isFromStart: boolean;
  /** ISO 8601, on the engine's clock. */
  startedAt: string | null;
  /** Null while it runs. */
  finishedAt: string | null;
};

export type ReattachOptions = RemovalOptions & {
  runId: RunId;
  instanceId: string;
  /**
   * The first line that the container wrote to stdout, when the caller has it on file; it must be one of a kind. With it
   * `isFromStart` is certain for long logs too.
   */
  firstLine?: string | null | undefined;
};

/**
 * Finds the newest container of a run, and gives it as if it had just been started. One that has ended is given with its
 * output and its own end, which neither a limit nor a cancel changes. Containers of earlier attempts, and one that was
 * never started, are removed.
 *
 * Rejects with `docker-unavailable` when the engine is away, and leaves the container as it is then.
 */
export async function reattachContainer(engine: ContainerEngine, options: ReattachOptions): Promise<Reattached> {
  const { runId, instanceId, firstLine } = options;
  const found = await engine.listRunContainers({ instanceId, runId });
  const [newest, ...older] = found.toSorted(byNewest);
  for (const { id } of older) await removePatiently(engine, { ...options, id });
  if (newest === undefined) return { kind: "gone" };

  const state = (await engine.inspectContainer(newest.id))?.state ?? null;
  if (state === null || !wasStarted(state)) {
    await removePatiently(engine, { ...options, id: newest.id });
    return { kind: "gone" };
  }
  const source = await engine.followOutput(newest.id);
  const ended = state.status === "exited" ? state : null;
  return {
    kind: ended === null ? "running" : "ended",
    attempt: newest.attempt,
    container: toRunningContainer(engine, { ...options, id: newest.id, source, ended }),
    isFromStart: isFromStart(source, { firstLine: firstLine ?? null }),
    startedAt: state.startedAt,
    finishedAt: state.finishedAt,
  };
}

function byNewest(one: FoundContainer, other: FoundContainer): number {
  return other.attempt - one.attempt || other.createdAt.getTime() - one.createdAt.getTime();
}

function wasStarted({ status, startedAt }: ContainerState): boolean {
  return (status === "running" || status === "exited") && startedAt !== null;
}

function isFromStart({ keptFrom, firstBytes }: OutputReplay, { firstLine }: { firstLine: string | null }): boolean {
  if (keptFrom === "start") return true;
  return firstLine !== null && firstLine !== "" && `\n${firstBytes.toString()}`.includes(`\n${firstLine}\n`);
}
