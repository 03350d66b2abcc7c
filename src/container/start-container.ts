import type { Readable } from "node:stream";
import { RunError } from "../run/failure.ts";
import { passStep } from "../steps.ts";
import { checkProfile } from "./check-profile.ts";
import { openOutput } from "./container-output.ts";
import type { ContainerSpec } from "./container-spec.ts";
import type { ContainerEngine, ContainerState, OutputSource } from "./engine.ts";
import { removePatiently, type RemovalOptions } from "./remove-patiently.ts";
import { type ContainerExit, superviseContainer, type SuperviseOptions } from "./supervise.ts";

/**
 * A container that was started. Disposing it removes the container whatever it is doing, and closes what is left of its
 * output, so read `stdout` and `stderr` to their ends first. Both must be read: an unread one holds the container up.
 * They end only when the container is supervised.
 */
export type RunningContainer = AsyncDisposable & {
  id: string;
  stdout: Readable;
  stderr: Readable;
  /** To be called once; see `superviseContainer()`. */
  supervise(options: SuperviseOptions): Promise<ContainerExit>;
  /** Closes our end of it and leaves it as it is, for another process to attach to; disposing then does nothing. */
  letGo(): void;
};

export type StartContainerOptions = RemovalOptions & { spec: ContainerSpec };

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
  passStep("container-created");
  let source: OutputSource | null = null;
  try {
    const [created, attached] = await Promise.all([engine.inspectContainer(id), engine.attachContainer(id)]);
    source = attached;
    if (created === null) throw new RunError("container-refused", "The container was removed before its start.");
    checkProfile(options.spec, { actual: created.profile });
    await engine.startContainer(id);
  } catch (error) {
    source?.close();
    await removePatiently(engine, { ...options, id });
    throw error;
  }
  return toRunningContainer(engine, { ...options, id, source, ended: null });
}

export type ToRunningContainerOptions = RemovalOptions & {
  id: string;
  source: OutputSource;
  /** How it ended when it was found so: it is not waited for, and limits mean nothing to it. */
  ended: ContainerState | null;
};

/** Gives a container, and what it writes, to one who supervises it. */
export function toRunningContainer(engine: ContainerEngine, options: ToRunningContainerOptions): RunningContainer {
  const { id, source, ended } = options;
  const output = openOutput(source, { container: ended === null ? "running" : "ended" });
  let hold: "held" | "let-go" = "held";
  const closeOutput = (): void => {
    output.close();
    output.stdout.destroy();
    output.stderr.destroy();
  };
  return {
    id,
    stdout: output.stdout,
    stderr: output.stderr,
    supervise: (wishes) => superviseContainer(engine, { ...wishes, id, output, found: ended }),
    letGo: () => {
      hold = "let-go";
      closeOutput();
    },
    [Symbol.asyncDispose]: async () => {
      closeOutput();
      if (hold === "held") await removePatiently(engine, options);
    },
  };
}
