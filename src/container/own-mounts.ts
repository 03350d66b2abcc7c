import { readFileSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { join, relative, resolve } from "node:path";
import { RunError } from "../run/failure.ts";
import type { ContainerEngine, OwnMount } from "./engine.ts";

export type PathTranslatorOptions = {
  /** What may be the id of the container that this process runs in. Default: what the kernel tells. */
  readOwnIds?: () => string[];
};

/**
 * Makes a translator from a folder of ours to the engine's path of the same folder. They differ when we run in a
 * container ourselves: the engine knows the folder by where it was mounted from. Elsewhere a path stays as it is.
 *
 * The engine is asked once, at the first path. A translation rejects with `container-refused` for a folder that no mount
 * holds, and with `docker-unavailable`, after which the next one asks again.
 */
export function createPathTranslator(
  engine: Pick<ContainerEngine, "inspectOwnMounts">,
  { readOwnIds = readOwnContainerIds }: PathTranslatorOptions = {},
): (path: string) => Promise<string> {
  let asking: Promise<OwnMount[] | null> | null = null;
  return async (path) => {
    asking ??= findOwnMounts(engine, { ids: readOwnIds() }).catch((error: unknown) => {
      asking = null;
      throw error;
    });
    const mounts = await asking;
    return mounts === null ? path : toEnginePath(await realpath(path).catch(() => resolve(path)), { mounts });
  };
}

/** The mounts of our own container; null when the engine has no such container. */
async function findOwnMounts(
  engine: Pick<ContainerEngine, "inspectOwnMounts">,
  { ids }: { ids: string[] },
): Promise<OwnMount[] | null> {
  for (const id of ids) {
    const mounts = await engine.inspectOwnMounts(id);
    if (mounts !== null) return mounts;
  }
  return null;
}

function toEnginePath(wanted: string, { mounts }: { mounts: OwnMount[] }): string {
  const [nearest] = mounts
    .filter(({ target }) => isInside(wanted, { folder: target }))
    .toSorted((one, other) => other.target.length - one.target.length);
  // A file system in memory has no source: the engine cannot reach it.
  if (nearest === undefined || nearest.source === "") {
    const message = `The folder ${wanted} of the orchestrator's own container is on no mount, so runs cannot get it.`;
    const hint = "Mount a folder or a volume of the engine's machine there: RUNS_PATH must lie on one.";
    throw new RunError("container-refused", message, { hint });
  }
  return join(nearest.source, relative(nearest.target, wanted));
}

function isInside(path: string, { folder }: { folder: string }): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

const LONG_ID = /[0-9a-f]{64}/;
/** What engines mount into each container from the folder they keep of it, which is named after its id. */
const ENGINE_FILE = /^\/etc\/(hostname|hosts|resolv\.conf)$/;

/**
 * What may be the id of the container that this process runs in, the surest first: the sources of the files that the
 * engine mounts into /etc (proc(5), mountinfo: the 4th field is the source, the 5th the target), the control groups'
 * names (only with version 1), and the host name, which is the id's beginning unless somebody chose another.
 */
function readOwnContainerIds(): string[] {
  const fromMounts = readLines("/proc/self/mountinfo")
    .map((line) => line.split(" "))
    .filter(([, , , , target = ""]) => ENGINE_FILE.test(target))
    .map(([, , , source = ""]) => source);
  const found = [...fromMounts, ...readLines("/proc/self/cgroup")].flatMap((text) => LONG_ID.exec(text)?.[0] ?? []);
  const name = hostname();
  return [...new Set([...found, ...(/^[0-9a-f]{12}$/.test(name) ? [name] : [])])];
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    // Not on Linux: no container either.
    return [];
  }
}
