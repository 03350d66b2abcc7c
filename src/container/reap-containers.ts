import type { ContainerEngine, FoundContainer } from "./engine.ts";

export type ReapContainersOptions = {
  instanceId: string;
  /** Whether some open run may still need this container of its. */
  isWanted: (runId: string, attempt: number) => boolean | Promise<boolean>;
  /** Whether the run is known to be over, so that nobody can just be making a container for it. Default: never known. */
  isOver?: (runId: string) => boolean | Promise<boolean>;
  /** Younger ones are spared unless their run is over, since another process may just be making them. Default 60 s. */
  minAgeMs?: number;
};

const MIN_AGE_MS = 60_000;

/**
 * Removes the containers of this orchestrator that no run wants, and resolves with those it removed. One that cannot be
 * removed, or judged, does not keep the others. Rejects with `docker-unavailable` when they cannot be listed.
 */
export async function reapContainers(
  engine: Pick<ContainerEngine, "listRunContainers" | "removeContainer">,
  options: ReapContainersOptions,
): Promise<FoundContainer[]> {
  const removed: FoundContainer[] = [];
  for (const container of await engine.listRunContainers({ instanceId: options.instanceId })) {
    try {
      if (!(await isLeft(container, options))) continue;
      await engine.removeContainer(container.id);
      removed.push(container);
    } catch {
      // It is looked for again the next time.
    }
  }
  return removed;
}

async function isLeft({ runId, attempt, createdAt }: FoundContainer, options: ReapContainersOptions): Promise<boolean> {
  const { isWanted, isOver = () => false, minAgeMs = MIN_AGE_MS } = options;
  if (await isWanted(runId, attempt)) return false;
  return Date.now() - createdAt.getTime() >= minAgeMs || (await isOver(runId));
}
