import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerEngine } from "./engine.ts";

export type RemovalOptions = {
  /** Hears of a container that could not be removed, since the engine is away; it is reaped later by its label. */
  onLeftBehind?: ((id: string, error: unknown) => void) | undefined;
};

const REMOVE_RETRIES_MS = [200, 1_000, 3_000];

/**
 * Removes a container, whatever it is doing; an engine that is just restarting gets a few seconds. Never rejects, so
 * that it hides no cause.
 */
export async function removePatiently(
  engine: ContainerEngine,
  { id, onLeftBehind }: RemovalOptions & { id: string },
): Promise<void> {
  let failure: unknown;
  for (const delayMs of [0, ...REMOVE_RETRIES_MS]) {
    await sleep(delayMs);
    try {
      return await engine.removeContainer(id);
    } catch (error) {
      failure = error;
    }
  }
  onLeftBehind?.(id, failure);
}
