import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDiskFull } from "../git/fetch-failure.ts";
import type { Change, LeftOut } from "../run/changes.ts";
import { RunError } from "../run/failure.ts";
import { passStep } from "../steps.ts";
import { readBaseTree } from "./base-tree.ts";
import type { Base } from "./clone-workspace.ts";
import { readFileTimes, toTimesPath } from "./file-times.ts";
import { openIgnoreRules } from "./ignore-rules.ts";
import { DEFAULT_LIMITS } from "./ingest-limits.ts";
import type { IngestLimits } from "./ingest-limits.ts";
import { createLeftOutList } from "./left-out.ts";
import { planChanges } from "./plan-changes.ts";
import { toBytes } from "./tree-path.ts";
import { walkTree } from "./walk-tree.ts";
import type { Workspace } from "./workspace.ts";
import { writePatch } from "./write-patch.ts";
import { checkTree, writeTree } from "./write-tree.ts";
import type { TreeChange } from "./write-tree.ts";

/** What the agent changed, as a tree in the mirror. */
export type Collected = {
  /** The base's own tree when nothing changed. */
  treeSha: string;
  /** Sorted by the paths' bytes. A renamed file is a deletion and an addition. */
  changes: Change[];
  leftOut: LeftOut[];
};

export type CollectChangesOptions = {
  base: Base;
  /** Where the patch goes; written even when it is empty. */
  patchPath: string;
  limits?: Partial<IngestLimits>;
  signal?: AbortSignal;
};

/**
 * Takes over what a stopped container left in the tree. Every byte in there is a stranger's: git never runs in it or
 * over it, its `.git` is never read, no link is followed, nothing is executed. Git only gets
 * copies that the host made, in the host's own mirror, and the tree it writes is compared with what was planned.
 *
 * May be repeated on the same tree, also after a process was killed in the middle of it, and then gives the same. Resolves once the patch is on disk. Rejects with
 * `patch-too-large` when there is more than the limits allow.
 */
export async function collectChanges(workspace: Workspace, options: CollectChangesOptions): Promise<Collected> {
  try {
    return await ingest(workspace, options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw isDiskFull(cause) ? new RunError("disk-full", "The disk is full.", { cause }) : cause;
  }
}

async function ingest(workspace: Workspace, options: CollectChangesOptions): Promise<Collected> {
  const { base, patchPath, signal } = options;
  const { treePath } = workspace;
  const { mirrorPath, indexPath } = base;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const leftOut = createLeftOutList();
  const scratchPath = await makeScratch(workspace);
  const spoolPath = join(scratchPath, "spool");
  await mkdir(spoolPath, { mode: 0o700 });

  const [baseTree, times, rules] = await Promise.all([
    readBaseTree(mirrorPath, { sha: base.sha, signal }),
    readFileTimes(toTimesPath(workspace)),
    openIgnoreRules({ treePath, mirrorPath, scratchPath: join(scratchPath, "rules"), signal }),
  ]);
  const shared = { treePath, mirrorPath, base: baseTree, times, limits, leftOut, spoolPath, signal };
  const walked = await walkTree({ ...shared, rules });
  passStep("ingest-begun");
  const plan = await planChanges(walked, shared);
  const newIndexPath = join(scratchPath, "index");
  const treeSha = await writeTree(plan, { ...shared, indexPath, newIndexPath });
  const [changes] = await Promise.all([
    checkTree(treeSha, { ...shared, plan }),
    writePatch(mirrorPath, { from: baseTree.sha, to: treeSha, patchPath, signal }),
  ]);
  return { treeSha, changes: changes.map(toChange), leftOut: leftOut.toList() };
}

/** A folder that no earlier attempt knows: a git that a killed process left behind may still write into its own. */
async function makeScratch({ rootPath }: Workspace): Promise<string> {
  for (const name of await readdir(rootPath)) {
    if (name.startsWith("ingest-")) await rm(join(rootPath, name), { recursive: true, force: true });
  }
  const path = join(rootPath, `ingest-${randomUUID()}`);
  await mkdir(path, { mode: 0o700 });
  return path;
}

/** A difference of two trees in the run's own terms. */
export function toChange({ path, oldMode, mode }: TreeChange): Change {
  const kind = mode === "000000" ? "deleted" : oldMode === "000000" ? "added" : "modified";
  return { path: toBytes(path), kind, mode: toChangeMode(mode) };
}

function toChangeMode(mode: string): Change["mode"] {
  return mode === "100644" || mode === "100755" || mode === "120000" ? mode : null;
}
