import type Docker from "dockerode";
import { z } from "zod";
import { RunError } from "../run/failure.ts";
import { readStatusCode, toEngineError } from "./docker-errors.ts";
import type { FillVolumeOptions, FoundFiller, VolumeEngine, VolumeView } from "./engine.ts";

/** The part of the engine that keeps volumes. */
export function createDockerVolumes(docker: Docker): VolumeEngine {
  return {
    readVolume: (name) => readVolume(docker, { name }),
    listVolumes: ({ label }) => listVolumes(docker, { label }),
    createVolume: ({ name, labels }) => createVolume(docker, { name, labels }),
    fillVolume: (name, options) => fillVolume(docker, { ...options, name }),
    listFillers: ({ label }) => listFillers(docker, { label }),
    removeVolume: (name) => removeVolume(docker, { name }),
  };
}

const Volume = z.object({
  Name: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  CreatedAt: z.string().nullish(),
});

function toView(document: unknown): VolumeView {
  const { Name, Labels, CreatedAt } = Volume.parse(document);
  const createdAt = new Date(CreatedAt ?? "");
  return { name: Name, labels: Labels ?? {}, createdAt: Number.isNaN(createdAt.getTime()) ? null : createdAt };
}

const patience = (): AbortSignal => AbortSignal.timeout(60_000);

async function readVolume(docker: Docker, { name }: { name: string }): Promise<VolumeView | null> {
  try {
    return toView(await docker.getVolume(name).inspect({ abortSignal: patience() }));
  } catch (cause) {
    if (readStatusCode(cause) === 404) return null;
    throw toEngineError(cause, { doing: `describe the volume ${name}`, refusal: "docker-unavailable" });
  }
}

async function listVolumes(docker: Docker, { label }: { label: string }): Promise<VolumeView[]> {
  try {
    const filters = JSON.stringify({ label: [label] });
    const { Volumes } = await docker.listVolumes({ filters, abortSignal: patience() });
    return (Volumes ?? []).map(toView);
  } catch (cause) {
    throw toEngineError(cause, { doing: "list its volumes", refusal: "docker-unavailable" });
  }
}

type CreateOptions = Parameters<VolumeEngine["createVolume"]>[0];

async function createVolume(docker: Docker, { name, labels }: CreateOptions): Promise<VolumeView> {
  try {
    await docker.createVolume({ Name: name, Labels: labels, abortSignal: patience() });
    // Another process may have made it before; the answer to that is no error, and not always what is there.
    return toView(await docker.getVolume(name).inspect({ abortSignal: patience() }));
  } catch (cause) {
    throw toEngineError(cause, { doing: `make the volume ${name}`, refusal: "image-unusable" });
  }
}

/** An engine puts into an empty volume what the image has in its place, at once or when the container starts. */
async function fillVolume(docker: Docker, options: FillVolumeOptions & { name: string }): Promise<void> {
  const { name, image, path, proof, labels } = options;
  const doing = `fill the volume ${name}`;
  try {
    const container = await docker.createContainer({
      ...{ name, Labels: labels },
      ...{ Image: image, Entrypoint: proof.slice(0, 1), Cmd: proof.slice(1), NetworkDisabled: true },
      HostConfig: {
        ...{ NetworkMode: "none", ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges:true"] },
        Mounts: [{ Type: "volume", Source: name, Target: path }],
      },
      abortSignal: patience(),
    });
    try {
      await container.start({ abortSignal: patience() });
      const { StatusCode } = z
        .object({ StatusCode: z.number() })
        .parse(await container.wait({ abortSignal: patience() }));
      if (StatusCode !== 0) throw new RunError("image-unusable", `${proof.join(" ")} failed in a copy of ${path}.`);
    } finally {
      await container.remove({ force: true, abortSignal: patience() });
    }
  } catch (cause) {
    throw toEngineError(cause, { doing, refusal: "image-unusable" });
  }
}

/** Labels may come from an image, too: what fills a volume bears the volume's name besides. */
async function listFillers(docker: Docker, { label }: { label: string }): Promise<FoundFiller[]> {
  try {
    const filters = { label: [label] };
    const found = await docker.listContainers({ all: true, filters, abortSignal: patience() });
    return found
      .filter(({ Names, Mounts }) => Mounts.some(({ Name }) => Names.includes(`/${Name}`)))
      .map(({ Id, Labels, Created }) => ({ id: Id, labels: Labels, createdAt: new Date(Created * 1000) }));
  } catch (cause) {
    throw toEngineError(cause, { doing: "list the containers that fill volumes", refusal: "docker-unavailable" });
  }
}

async function removeVolume(docker: Docker, { name }: { name: string }): Promise<void> {
  try {
    await docker.getVolume(name).remove({ abortSignal: patience() });
  } catch (cause) {
    // 409: a container has it still.
    if ([404, 409].includes(readStatusCode(cause) ?? 0)) return;
    throw toEngineError(cause, { doing: `remove the volume ${name}`, refusal: "docker-unavailable" });
  }
}
