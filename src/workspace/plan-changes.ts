import { readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import type { BaseTree } from "./base-tree.ts";
import { checkLinkName } from "./check-name.ts";
import { checkLink } from "./check-link.ts";
import { createBreather } from "./create-breather.ts";
import { GONE, type FileTimes } from "./file-times.ts";
import { toFileMode } from "./git-mode.ts";
import type { GitMode } from "./git-mode.ts";
import type { IngestLimits } from "./ingest-limits.ts";
import type { LeftOutList } from "./left-out.ts";
import { hashBlob, hashTreeFile, openUp, readTreeFile } from "./read-tree-file.ts";
import { toFilePath, toFolder, toTreePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";
import type { FoundFile, WalkedTree } from "./walk-tree.ts";

/** One path that is to differ from the base: what it becomes. */
export type PlannedFile = { path: TreePath; mode: GitMode; oid: string };
export type Plan = {
  files: PlannedFile[];
  deleted: TreePath[];
  /** Copies of new contents, by object id; host-made files. */
  spooled: ReadonlyMap<string, string>;
};

export type PlanChangesOptions = {
  treePath: string;
  mirrorPath: string;
  base: BaseTree;
  times: FileTimes;
  limits: IngestLimits;
  leftOut: LeftOutList;
  /** An empty host-only folder for copies of what changed. */
  spoolPath: string;
  signal: AbortSignal | undefined;
};

type Planning = PlanChangesOptions & { files: PlannedFile[]; spooled: Map<string, string>; bytes: number };

/**
 * Compares what was touched with the base, byte for byte, and says how the new tree differs. Contents that the base does
 * not have are copied to the spool. Rejects with `patch-too-large` when all of it together is over a limit.
 */
export async function planChanges({ touched, present }: WalkedTree, options: PlanChangesOptions): Promise<Plan> {
  const breathe = createBreather(options.signal);
  const planning: Planning = { ...options, files: [], spooled: new Map(), bytes: 0 };
  for (const file of touched) {
    if (file.found.isSymbolicLink()) planLink(file, { planning });
    else if (file.found.size > options.limits.fileBytes) await planLongFile(file, { planning });
    else planFile(file, { planning });
    await breathe();
  }
  const files = dropBlockers(planning);
  const deleted = listDeleted(present, options);
  const { changedPaths } = options.limits;
  if (files.length + deleted.length > changedPaths) {
    throw new RunError("patch-too-large", `The agent changed more than ${changedPaths} files.`);
  }
  return { files, deleted, spooled: planning.spooled };
}

function planLink({ path, base }: FoundFile, { planning }: { planning: Planning }): void {
  const target = readlinkSync(toFilePath(planning.treePath, path), { encoding: "buffer" });
  const oid = hashBlob(target);
  if (base?.mode === "120000" && base.oid === oid) return;

  const name = path.slice(path.lastIndexOf("/") + 1);
  const why = checkLinkName(name) ?? checkLink(path, { target: toTreePath(target) });
  if (why !== null) return planning.leftOut.refuse(path, why);
  addFile({ path, mode: "120000", oid }, { bytes: target, planning });
}

function planFile({ path, found, base }: FoundFile, { planning }: { planning: Planning }): void {
  const bytes = readTreeFile(openUp({ path: toFilePath(planning.treePath, path), found }));
  const mode = toFileMode(found.mode);
  const oid = hashBlob(bytes);
  if (base?.oid === oid && base.mode === mode) return;
  addFile({ path, mode, oid }, { bytes: base?.oid === oid ? null : bytes, planning });
}

/** An overlong file of the base may stay as it is and may change its mode; it is only read when its length is the same. */
async function planLongFile({ path, found, base }: FoundFile, { planning }: { planning: Planning }): Promise<void> {
  const { leftOut, limits, mirrorPath, treePath } = planning;
  if (base?.mode.startsWith("100") && (await readBlobSize(mirrorPath, { oid: base.oid })) === found.size) {
    const mode = toFileMode(found.mode);
    if (hashTreeFile(openUp({ path: toFilePath(treePath, path), found })) === base.oid) {
      if (base.mode !== mode) addFile({ path, mode, oid: base.oid }, { bytes: null, planning });
      return;
    }
  }
  leftOut.refuse(path, `is longer than ${limits.fileBytes / 1024 / 1024} MiB`);
}

type AddFileOptions = {
  /** What is to be written; null = the base has it. */
  bytes: Buffer | null;
  planning: Planning;
};

function addFile(file: PlannedFile, { bytes, planning }: AddFileOptions): void {
  planning.files.push(file);
  if (bytes === null) return;

  // Also what is there already by another name: in the patch it stands once more.
  planning.bytes += bytes.length;
  const { totalBytes } = planning.limits;
  if (planning.bytes > totalBytes) {
    throw new RunError("patch-too-large", `The agent's changes are longer than ${totalBytes / 1024 / 1024} MiB.`);
  }
  if (planning.spooled.has(file.oid)) return;
  const name = String(planning.spooled.size);
  writeFileSync(join(planning.spoolPath, name), bytes, { flag: "wx", mode: 0o600 });
  planning.spooled.set(file.oid, name);
}

/** A submodule stays even when the agent removed it; then nothing can stand in the place of the folder it lies in. */
function dropBlockers({ base, files, leftOut }: Planning): PlannedFile[] {
  const folders = new Set<TreePath>();
  for (const [path, { mode }] of base.entries) {
    if (mode !== "160000") continue;
    for (let folder = toFolder(path); folder !== ""; folder = toFolder(folder)) folders.add(folder);
  }
  return files.filter(({ path }) => {
    if (folders.has(path)) leftOut.refuse(path, "stands in place of a folder with a submodule");
    return !folders.has(path);
  });
}

function listDeleted(present: ReadonlySet<TreePath>, { base, times, leftOut }: PlanChangesOptions): TreePath[] {
  const gone: TreePath[] = [];
  for (const [path, { mode }] of base.entries) {
    if (present.has(path) || mode === "160000" || leftOut.holds(path) || times.get(path) === GONE) continue;
    gone.push(path);
  }
  return gone;
}

async function readBlobSize(mirrorPath: string, { oid }: { oid: string }): Promise<bigint> {
  const { stdout } = await runGit(["cat-file", "-s", oid], { gitDir: mirrorPath });
  return BigInt(stdout.toString("utf8").trim());
}
