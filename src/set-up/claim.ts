import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { lockFile } from "../store/lock-file.ts";
import type { StatePaths } from "../store/paths.ts";

type Root = { rootPath: string };
type Paths = Pick<StatePaths, "setUp" | "work">;

/**
 * What a run uses, noted in its workspace for as long as that is there: its layer, which is not removed meanwhile, and a folder
 * for the kernel's own use, which no other run gets meanwhile.
 */
const Claim = z.object({ layerPath: z.string(), kernelPath: z.string() });
export type Claim = z.infer<typeof Claim>;

const LOCK_WAIT_MS = 30_000;

/** Holds still what there is of layers and claims. */
export function lockLayers({ setUp }: Paths): Promise<Disposable> {
  return lockFile(join(setUp, "lock"), { waitMs: LOCK_WAIT_MS });
}

/** Claims a layer for a run; to be called under the lock. */
export async function claimLayer(workspace: Root, { layerPath, paths }: { layerPath: string; paths: Paths }) {
  const earlier = await readClaim(workspace);
  const kernelPath = earlier?.kernelPath ?? (await chooseKernelFolder(paths));
  const draftPath = `${toClaimPath(workspace)}.draft`;
  await writeFile(draftPath, JSON.stringify({ layerPath, kernelPath } satisfies Claim));
  await rename(draftPath, toClaimPath(workspace));
}

/** The claim of a run; null when what its set-up made stands in the workspace itself, or when it has none. */
export async function readClaim(workspace: Root): Promise<Claim | null> {
  try {
    return Claim.parse(JSON.parse(await readFile(toClaimPath(workspace), "utf8")));
  } catch {
    return null;
  }
}

/** Takes the claim back: the run has no layer. */
export async function dropClaim(workspace: Root): Promise<void> {
  await rm(toClaimPath(workspace), { force: true });
}

/** The claims of all runs whose workspaces are there. */
export async function listClaims({ work }: Paths): Promise<Claim[]> {
  const names = await readdir(work).catch(() => []);
  const claims = await Promise.all(names.map((name) => readClaim({ rootPath: join(work, name) })));
  return claims.filter((claim) => claim !== null);
}

/**
 * A free one of the folders for the kernel's own use, or a new one. They are used again and again, and never removed: what the
 * kernel leaves in them belongs to root, who empties them at the next mount.
 */
async function chooseKernelFolder(paths: Paths): Promise<string> {
  const all = join(paths.setUp, "kernel");
  await mkdir(all, { recursive: true, mode: 0o700 });
  const taken = new Set((await listClaims(paths)).map(({ kernelPath }) => kernelPath));
  const free = (await readdir(all)).map((name) => join(all, name)).find((path) => !taken.has(path));
  if (free !== undefined) return free;
  const made = join(all, randomUUID());
  await mkdir(made, { mode: 0o700 });
  return made;
}

function toClaimPath({ rootPath }: Root): string {
  return join(rootPath, "set-up.json");
}
