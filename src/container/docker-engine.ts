import { json } from "node:stream/consumers";
import type Docker from "dockerode";
import { z } from "zod";
import { RunError } from "../run/failure.ts";
import { ATTEMPT_LABEL, type ContainerSpec, INSTANCE_LABEL, RUN_LABEL } from "./container-spec.ts";
import { connectDocker } from "./docker-connection.ts";
import { toCreateBody } from "./docker-create-body.ts";
import { cleanEngineText, readStatusCode, toEngineError } from "./docker-errors.ts";
import { createDockerImages } from "./docker-images.ts";
import { createDockerLeftImages } from "./docker-left-images.ts";
import { parseInspected } from "./docker-inspect.ts";
import { createDockerOutput } from "./docker-output.ts";
import { createDockerVolumes } from "./docker-volumes.ts";
import { readEngineInfo } from "./docker-info.ts";
import { inspectOwnMounts } from "./docker-mounts.ts";
import { openStream } from "./docker-stream.ts";
import { readAnswer } from "./read-answer.ts";
import type { ContainerEngine, ContainerView, FoundContainer } from "./engine.ts";
import type { EngineEndpoint } from "./find-endpoint.ts";

export type CreateDockerEngineOptions = {
  endpoint: EngineEndpoint;
  /** How long it may take to tell about itself and its images, in milliseconds; default 20 s. */
  answerWithinMs?: number;
  /** How long it may give nothing of an output that it has, in milliseconds; default 60 s. */
  outputWithinMs?: number;
};

/** A container engine that speaks Docker's API. Nothing is contacted before the first call. */
export function createDockerEngine({
  endpoint,
  answerWithinMs: withinMs = 20_000,
  outputWithinMs = 60_000,
}: CreateDockerEngineOptions): ContainerEngine {
  const docker = connectDocker(endpoint);
  return {
    ...createDockerImages(docker, { withinMs }),
    ...createDockerLeftImages(docker, { withinMs }),
    ...createDockerOutput(docker, { withinMs: outputWithinMs }),
    ...createDockerVolumes(docker),
    createContainer: (spec) => createContainer(docker, { spec }),
    inspectContainer: (id) => inspectContainer(docker, { id }),
    startContainer: (id) => startContainer(docker, { id }),
    waitContainer: (id, { signal }) => waitContainer(docker, { id, signal }),
    signalContainer: (id, { signal }) => signalContainer(docker, { id, signal }),
    removeContainer: (id) => removeContainer(docker, { id }),
    listRunContainers: (options) => listRunContainers(docker, options),
    inspectOwnMounts: (id) => inspectOwnMounts(docker, { id }),
    ping: () => ping(docker, { withinMs }),
    readEngineInfo: () => readEngineInfo(docker, { withinMs }),
  };
}

/** An engine that hangs must not hang us: what it should do at once may take this long. */
const patience = (): AbortSignal => AbortSignal.timeout(60_000);

async function createContainer(docker: Docker, { spec }: { spec: ContainerSpec }): Promise<string> {
  try {
    const container = await docker.createContainer({ ...toCreateBody(spec), abortSignal: patience() });
    return container.id;
  } catch (cause) {
    if (readStatusCode(cause) === 404) {
      throw new RunError("image-missing", `The image ${spec.image} does not exist on this engine.`, { cause });
    }
    if (/bind source path does not exist/.test(cleanEngineText(cause))) {
      const hint = "The run's folders must be on the engine's own machine: check DOCKER_HOST and RUNS_PATH.";
      const message = `The engine does not see a folder of the run: ${cleanEngineText(cause)}.`;
      throw new RunError("container-refused", message, { cause, hint });
    }
    throw toEngineError(cause, { doing: "create the container", refusal: "container-refused" });
  }
}

async function inspectContainer(docker: Docker, { id }: { id: string }): Promise<ContainerView | null> {
  try {
    return parseInspected(await docker.getContainer(id).inspect({ abortSignal: patience() }));
  } catch (cause) {
    if (readStatusCode(cause) === 404) return null;
    if (cause instanceof z.ZodError) {
      const message = `The engine's description of the container cannot be checked: ${z.prettifyError(cause)}.`;
      throw new RunError("container-refused", message, { cause });
    }
    throw toEngineError(cause, { doing: "describe the container", refusal: "container-refused" });
  }
}

async function ping(docker: Docker, { withinMs }: { withinMs: number }): Promise<void> {
  try {
    await readAnswer(docker, { path: "/_ping", withinMs });
  } catch (cause) {
    throw toEngineError(cause, { doing: "answer", refusal: "docker-unavailable" });
  }
}

async function startContainer(docker: Docker, { id }: { id: string }): Promise<void> {
  try {
    await docker.getContainer(id).start({ abortSignal: patience() });
  } catch (cause) {
    if (/error while mounting volume/.test(cleanEngineText(cause)))
      throw toEngineError(cause, { doing: "mount the container's folders", refusal: "container-refused" });
    throw toEngineError(cause, { doing: "start what the image holds", refusal: "image-unusable" });
  }
}

const WaitAnswer = z.object({ StatusCode: z.number() });

async function waitContainer(docker: Docker, { id, signal }: { id: string; signal: AbortSignal }): Promise<void> {
  try {
    const request = { method: "POST", path: `/containers/${id}/wait`, abortSignal: signal } as const;
    const answer = await openStream(docker, request);
    WaitAnswer.parse(await json(answer));
  } catch (cause) {
    throw toEngineError(cause, { doing: "wait for the container", refusal: "engine-lost" });
  }
}

type SignalOptions = { id: string; signal: "SIGTERM" | "SIGKILL" };

async function signalContainer(docker: Docker, { id, signal }: SignalOptions): Promise<void> {
  try {
    await docker.getContainer(id).kill({ signal, abortSignal: patience() });
  } catch (cause) {
    // 409: it has ended already. 404: it is gone.
    if ([404, 409].includes(readStatusCode(cause) ?? 0)) return;
    throw toEngineError(cause, { doing: `send ${signal} to the container`, refusal: "engine-lost" });
  }
}

async function removeContainer(docker: Docker, { id }: { id: string }): Promise<void> {
  try {
    await docker.getContainer(id).remove({ force: true, v: true, abortSignal: patience() });
  } catch (cause) {
    // 409: somebody is removing it already.
    if ([404, 409].includes(readStatusCode(cause) ?? 0)) return;
    throw toEngineError(cause, { doing: "remove the container", refusal: "engine-lost" });
  }
}

type ListOptions = Parameters<ContainerEngine["listRunContainers"]>[0];

async function listRunContainers(docker: Docker, { instanceId, runId }: ListOptions): Promise<FoundContainer[]> {
  try {
    const label = [`${INSTANCE_LABEL}=${instanceId}`, ...(runId === undefined ? [] : [`${RUN_LABEL}=${runId}`])];
    const found = await docker.listContainers({ all: true, filters: { label }, abortSignal: patience() });
    return found.map(({ Id, Labels, State, Created }) => ({
      id: Id,
      runId: Labels[RUN_LABEL] ?? "",
      // Containers without this label were the only ones of their runs.
      attempt: Number(Labels[ATTEMPT_LABEL] ?? 1),
      status: State,
      createdAt: new Date(Created * 1000),
    }));
  } catch (cause) {
    throw toEngineError(cause, { doing: "list its containers", refusal: "docker-unavailable" });
  }
}
