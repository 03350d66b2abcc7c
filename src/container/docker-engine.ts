import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import type Docker from "dockerode";
import { z } from "zod";
import { RunError } from "../run/failure.ts";
import { type ContainerSpec, INSTANCE_LABEL, RUN_LABEL } from "./container-spec.ts";
import { connectDocker } from "./docker-connection.ts";
import { toCreateBody } from "./docker-create-body.ts";
import { cleanEngineText, readStatusCode, toEngineError } from "./docker-errors.ts";
import { createDockerImages } from "./docker-images.ts";
import { parseInspected } from "./docker-inspect.ts";
import type { ContainerEngine, ContainerOutput, ContainerView, EngineInfo, FoundContainer } from "./engine.ts";
import type { EngineEndpoint } from "./find-endpoint.ts";
import { splitOutput } from "./split-output.ts";

export type CreateDockerEngineOptions = { endpoint: EngineEndpoint };

/** A container engine that speaks Docker's API. Nothing is contacted before the first call. */
export function createDockerEngine({ endpoint }: CreateDockerEngineOptions): ContainerEngine {
  const docker = connectDocker(endpoint);
  return {
    ...createDockerImages(docker),
    createContainer: (spec) => createContainer(docker, { spec }),
    inspectContainer: (id) => inspectContainer(docker, { id }),
    attachContainer: (id) => attachContainer(docker, { id }),
    startContainer: (id) => startContainer(docker, { id }),
    waitContainer: (id, { signal }) => waitContainer(docker, { id, signal }),
    signalContainer: (id, { signal }) => signalContainer(docker, { id, signal }),
    removeContainer: (id) => removeContainer(docker, { id }),
    listRunContainers: ({ instanceId }) => listRunContainers(docker, { instanceId }),
    readEngineInfo: () => readEngineInfo(docker),
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

async function attachContainer(docker: Docker, { id }: { id: string }): Promise<ContainerOutput> {
  const options = { stream: true, stdout: true, stderr: true, hijack: false };
  try {
    return splitOutput(toReadable(await docker.getContainer(id).attach(options)));
  } catch (cause) {
    throw toEngineError(cause, { doing: "give the container's output", refusal: "internal" });
  }
}

async function startContainer(docker: Docker, { id }: { id: string }): Promise<void> {
  try {
    await docker.getContainer(id).start({ abortSignal: patience() });
  } catch (cause) {
    throw toEngineError(cause, { doing: "start what the image holds", refusal: "image-unusable" });
  }
}

/** Without a hijack the answer of a plain request is the stream, whatever its type says. */
function toReadable(stream: unknown): Readable {
  if (stream instanceof Readable) return stream;
  throw new RunError("internal", "The engine's answer is no stream.");
}

const WaitAnswer = z.object({ StatusCode: z.number() });

/**
 * dockerode's own `wait` never settles when the connection breaks during the answer (docker-modem listens to `end`
 * only), and this one is open as long as the run: so the answer is read here.
 */
async function waitContainer(docker: Docker, { id, signal }: { id: string; signal: AbortSignal }): Promise<void> {
  const request = {
    path: `/containers/${id}/wait`,
    method: "POST",
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: "no such container", 500: "server error" },
  };
  try {
    const answer = await new Promise<Readable>((resolve, reject) => {
      docker.modem.dial(request, (error: unknown, stream: unknown) => {
        if (error instanceof Error) reject(error);
        else resolve(toReadable(stream));
      });
    });
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

async function listRunContainers(docker: Docker, { instanceId }: { instanceId: string }): Promise<FoundContainer[]> {
  try {
    const filters = { label: [`${INSTANCE_LABEL}=${instanceId}`] };
    const found = await docker.listContainers({ all: true, filters, abortSignal: patience() });
    return found.map(({ Id, Labels, State }) => ({ id: Id, runId: Labels[RUN_LABEL] ?? "", status: State }));
  } catch (cause) {
    throw toEngineError(cause, { doing: "list its containers", refusal: "docker-unavailable" });
  }
}

const Version = z.object({ Version: z.string(), BuildTime: z.string().optional(), Arch: z.string().default("") });
const Info = z.object({
  OperatingSystem: z.string().default(""),
  DefaultRuntime: z.string().default(""),
  Runtimes: z.record(z.string(), z.unknown()).default({}),
  CgroupVersion: z.string().default("1"),
  DockerRootDir: z.string().default(""),
});

async function readEngineInfo(docker: Docker): Promise<EngineInfo> {
  try {
    const [version, info] = await Promise.all([docker.version(), docker.info() as Promise<unknown>]);
    return toEngineInfo(Version.parse(version), Info.parse(info));
  } catch (cause) {
    throw toEngineError(cause, { doing: "describe itself", refusal: "docker-unavailable" });
  }
}

function toEngineInfo(version: z.infer<typeof Version>, info: z.infer<typeof Info>): EngineInfo {
  const builtAt = new Date(version.BuildTime ?? "");
  return {
    version: version.Version,
    builtAt: Number.isNaN(builtAt.getTime()) ? null : builtAt,
    operatingSystem: info.OperatingSystem,
    architecture: version.Arch,
    defaultRuntime: info.DefaultRuntime,
    runtimes: Object.keys(info.Runtimes).toSorted(),
    cgroupVersion: info.CgroupVersion,
    rootFolder: info.DockerRootDir,
  };
}
