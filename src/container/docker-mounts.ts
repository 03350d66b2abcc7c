import type Docker from "dockerode";
import { z } from "zod";
import { readStatusCode, toEngineError } from "./docker-errors.ts";
import type { OwnMount } from "./engine.ts";

const Inspected = z.object({
  Id: z.string(),
  Mounts: z.array(z.object({ Source: z.string().default(""), Destination: z.string() })).nullish(),
});

/** Where the engine has a container's folders; a memory file system has no source. Null for an id it does not know. */
export async function inspectOwnMounts(docker: Docker, { id }: { id: string }): Promise<OwnMount[] | null> {
  try {
    const options = { abortSignal: AbortSignal.timeout(60_000) };
    const { Id, Mounts } = Inspected.parse(await docker.getContainer(id).inspect(options));
    // Docker takes a container's name too.
    if (!Id.startsWith(id)) return null;
    return (Mounts ?? []).map(({ Source, Destination }) => ({ source: Source, target: Destination }));
  } catch (cause) {
    if (readStatusCode(cause) === 404) return null;
    throw toEngineError(cause, { doing: "describe our own container", refusal: "container-refused" });
  }
}
