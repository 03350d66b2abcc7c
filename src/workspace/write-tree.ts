import { copyFile } from "node:fs/promises";
import { runGit } from "../git/git.ts";
import { toGitMode } from "./git-mode.ts";
import type { LeftOutList } from "./left-out.ts";
import type { Plan, PlannedFile } from "./plan-changes.ts";
import { toBytes, toText, toTreePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

const NO_OBJECT = "0".repeat(40);

export type WriteTreeOptions = {
  base: { sha: string };
  mirrorPath: string;
  /** The host's index of the base, which is copied, and where the copy goes. */
  indexPath: string;
  newIndexPath: string;
  spoolPath: string;
  leftOut: LeftOutList;
  signal: AbortSignal | undefined;
};

/** What a tree has in place of the base's: one entry for each path that differs. */
export type CheckTreeOptions = Pick<WriteTreeOptions, "base" | "mirrorPath" | "leftOut" | "signal"> & { plan: Plan };

export type TreeChange = { path: TreePath; oldMode: string; mode: string; oid: string };

/** Writes the planned tree into the mirror, and resolves with its name; `checkTree()` tells whether it is the planned one. */
export async function writeTree(plan: Plan, options: WriteTreeOptions): Promise<string> {
  const { base, mirrorPath, indexPath, newIndexPath, signal } = options;
  if (plan.files.length === 0 && plan.deleted.length === 0) return base.sha;

  await Promise.all([writeBlobs(plan, options), copyFile(indexPath, newIndexPath)]);
  const git = { gitDir: mirrorPath, indexFile: newIndexPath, ...(signal === undefined ? {} : { signal }) };
  await runGit(["update-index", "-z", "--index-info"], { ...git, stdin: toIndexInfo(plan) });
  return toLine((await runGit(["write-tree"], git)).stdout);
}

/**
 * Reads back how a written tree differs from the base. A path that git left out in silence is moved to the list of what
 * is left out. Rejects when the tree differs from the plan in any other way.
 */
export async function checkTree(treeSha: string, options: CheckTreeOptions): Promise<TreeChange[]> {
  const { plan, base, mirrorPath, leftOut, signal } = options;
  if (treeSha === base.sha) return [];
  const changes = await readChanges(mirrorPath, { from: base.sha, to: treeSha, signal });
  checkChanges(changes, { plan, leftOut });
  return changes;
}

/** How two trees in the mirror differ. Renames are a deletion and an addition. */
export async function readChanges(
  mirrorPath: string,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal | undefined },
): Promise<TreeChange[]> {
  const { stdout } = await runGit(["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", from, to], {
    gitDir: mirrorPath,
    ...(signal === undefined ? {} : { signal }),
  });
  const fields = toTreePath(stdout).split("\0");
  const changes: TreeChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = "", mode = "", oldOid, oid = ""] = (fields[at] ?? "").slice(1).split(" ");
    // Trees of very old repositories hold modes such as 100664, which git mends whenever it rewrites a folder.
    if (oid !== oldOid || toGitMode(oldMode) !== mode) changes.push({ path: fields[at + 1] ?? "", oldMode, mode, oid });
  }
  return changes;
}

async function writeBlobs({ spooled }: Plan, { mirrorPath, spoolPath, signal }: WriteTreeOptions): Promise<void> {
  if (spooled.size === 0) return;
  const { stdout } = await runGit(["hash-object", "-w", "--no-filters", "--stdin-paths"], {
    gitDir: mirrorPath,
    cwd: spoolPath,
    stdin: [...spooled.values()].map((name) => `${name}\n`).join(""),
    ...(signal === undefined ? {} : { signal }),
  });
  if (stdout.toString("utf8") !== [...spooled.keys()].map((oid) => `${oid}\n`).join("")) {
    throw new Error("git names the new files otherwise than we do");
  }
}

/** Deletions come first, so that a file can take a folder's place, and a folder a file's. */
function toIndexInfo({ files, deleted }: Plan): Buffer {
  const records = [
    ...deleted.map((path) => `0 ${NO_OBJECT}\t${path}\0`),
    ...files.map(({ path, mode, oid }) => `${mode} ${oid}\t${path}\0`),
  ];
  return toBytes(records.join(""));
}

/** `git update-index` prints "Ignoring path" for a name it does not like, and still ends with 0. */
function checkChanges(changes: TreeChange[], { plan, leftOut }: { plan: Plan; leftOut: LeftOutList }): void {
  const written = new Map(changes.map((change) => [change.path, change]));
  const missing = [
    ...plan.files.filter(({ path, mode, oid }) => !isWritten(written.get(path), { mode, oid })),
    ...plan.deleted.filter((path) => !isWritten(written.get(path), { mode: "000000", oid: NO_OBJECT })),
  ];
  const planned = new Set([...plan.files.map(({ path }) => path), ...plan.deleted]);
  const unplanned = changes.filter(({ path }) => !planned.has(path));
  const wrong = missing.filter((file) => typeof file === "string" || written.has(file.path));
  const [example] = [...wrong, ...unplanned];
  if (example !== undefined) {
    throw new Error(`the tree that git wrote is not the planned one at ${toText(toPath(example))}`);
  }
  for (const file of missing) leftOut.refuse(toPath(file), "has a name that git refuses");
}

function isWritten(change: TreeChange | undefined, { mode, oid }: { mode: string; oid: string }): boolean {
  return change?.mode === mode && change.oid === oid;
}

function toPath(file: TreePath | PlannedFile | TreeChange): TreePath {
  return typeof file === "string" ? file : file.path;
}

function toLine(stdout: Buffer): string {
  return stdout.toString("utf8").trim();
}
