import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../run/failure.ts";
import { checkProfile } from "./check-profile.ts";
import type { ContainerSpec } from "./container-spec.ts";
import type { ContainerEngine, ContainerOutput } from "./engine.ts";
import { type ContainerExit, superviseContainer, type SuperviseOptions } from "./supervise.ts";

/**
 * A started container. Disposing it removes the container whatever it is doing, and closes what is left of its output,
 * so read `stdout` and `stderr` to their ends first. Both must be read: an unread one holds the container up.
 */
export type RunningContainer = AsyncDisposable & {
  id: string;
  stdout: Readable;
  stderr: Readable;
  /** To be called once; see `superviseContainer()`. */
  supervise(options: SuperviseOptions): Promise<ContainerExit>;
};

export type StartContainerOptions = {
  spec: ContainerSpec;
  /** Hears of a container that could not be removed, since the engine is away; the next start reaps it by its label. */
  onLeftBehind?: ((id: string, error: unknown) => void) | undefined;
};

/**
 * Creates a container, checks that the engine made what was wanted, and starts it.
 *
 * Rejects with `image-missing`, `image-unusable`, `container-refused` or `docker-unavailable`, and leaves no container
 * behind then.
 */
export async function startContainer(
  engine: ContainerEngine,
  options: StartContainerOptions,
): Promise<RunningContainer> {
  const id = await engine.createContainer(options.spec);
  let output: ContainerOutput | null = null;
  try {
    const [created, attached] = await Promise.all([engine.inspectContainer(id), engine.attachContainer(id)]);
    output = attached;
    if (created === null) throw new RunError("container-refused", "The container was removed before its start.");
    checkProfile(options.spec, { actual: created.profile });
    await engine.startContainer(id);
  } catch (error) {
    await cleanUp(engine, { ...options, id, output });
    throw error;
  }
  return toRunningContainer(engine, { ...options, id, output });
}

type CleanUpOptions = StartContainerOptions & { id: string; output: ContainerOutput | null };

function toRunningContainer(
  engine: ContainerEngine,
  options: CleanUpOptions & { output: ContainerOutput },
): RunningContainer {
  const { id, output } = options;
  return {
    id,
    stdout: output.stdout,
    stderr: output.stderr,
    supervise: (wishes) => superviseContainer(engine, { ...wishes, id, output }),
    [Symbol.asyncDispose]: () => cleanUp(engine, options),
  };
}

const REMOVE_RETRIES_MS = [200, 1_000, 3_000];

/** Never rejects, so that it hides no cause; an engine that is just restarting gets a few seconds. */
async function cleanUp(engine: ContainerEngine, { id, output, onLeftBehind }: CleanUpOptions): Promise<void> {
  output?.close();
  output?.stdout.destroy();
  output?.stderr.destroy();
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
