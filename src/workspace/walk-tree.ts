import { chmodSync, lstatSync } from "node:fs";
import type { BigIntStats, Dirent } from "node:fs";
import { RunError } from "../run/failure.ts";
import type { BaseEntry, BaseTree } from "./base-tree.ts";
import { checkName } from "./check-name.ts";
import { createBreather } from "./create-breather.ts";
import { toFileTimes } from "./file-times.ts";
import type { FileTimes } from "./file-times.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import type { IngestLimits } from "./ingest-limits.ts";
import type { LeftOutList } from "./left-out.ts";
import { joinTreePath, listFolder, toFilePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/** A file or link that may differ from the base: it is new, or was touched. */
export type FoundFile = { path: TreePath; found: BigIntStats; base: BaseEntry | null };

export type WalkTreeOptions = {
  treePath: string;
  base: BaseTree;
  times: FileTimes;
  rules: IgnoreRules;
  limits: IngestLimits;
  leftOut: LeftOutList;
  signal: AbortSignal | undefined;
};

export type WalkedTree = {
  touched: FoundFile[];
  /** The base's paths that are still a file or a link. */
  present: ReadonlySet<TreePath>;
};

/** How much longer the path of the host's own copy of a file is: `ingest-<id>/rules/` in the place of `ws/`. */
const OWN_COPY_BYTES = 64;

type Walk = WalkTreeOptions & {
  breathe: () => Promise<void> | undefined;
  /** Names that the base does not have, the bytes of their paths, and files to be taken over among them, so far. */
  entries: number;
  bytes: number;
  fresh: number;
  touched: FoundFile[];
  present: Set<TreePath>;
};

/** What one level of folders holds: folders to look into next, and new paths that git is asked about first. */
type Level = { folders: TreePath[]; fresh: { path: TreePath; entry: Dirent }[] };

/**
 * Looks through the tree that a stopped container left, level by level, from the host's side: only real folders are
 * entered, and no file is opened. The agent's own `.git` is not looked into, nor are new folders that git ignores.
 * Rejects with `patch-too-large` at the limits.
 */
export async function walkTree(options: WalkTreeOptions): Promise<WalkedTree> {
  const breathe = createBreather(options.signal);
  const walk: Walk = { ...options, breathe, entries: 0, bytes: 0, fresh: 0, touched: [], present: new Set() };
  let folders: TreePath[] = [""];
  for (let depth = 0; folders.length > 0; depth++) {
    const level: Level = { folders: [], fresh: [] };
    for (const folder of folders) await lookInto(folder, { walk, level });
    await takeFresh(level, { walk });
    folders = depth < walk.limits.depth ? level.folders : refuseAll(level.folders, { walk });
  }
  return { touched: walk.touched, present: walk.present };
}

async function lookInto(folder: TreePath, { walk, level }: { walk: Walk; level: Level }): Promise<void> {
  try {
    for (const entry of listFolder(openUp(toFilePath(walk.treePath, folder)))) {
      if (folder !== "" || entry.name !== ".git") sortEntry(joinTreePath(folder, entry.name), { entry, walk, level });
      await walk.breathe();
    }
  } catch (error) {
    if (error instanceof RunError || folder === "" || !(error instanceof Error && "syscall" in error)) throw error;
    walk.leftOut.refuse(folder, "cannot be read");
  }
}

function sortEntry(path: TreePath, { entry, walk, level }: { entry: Dirent; walk: Walk; level: Level }): void {
  if (entry.isCharacterDevice() && isWhiteout(path, walk)) return;
  const base = walk.base.entries.get(path);
  const isBaseFolder = walk.base.folders.has(path);
  const why = base === undefined && !isBaseFolder ? checkNew(path, { entry, walk }) : null;

  if (why !== null) walk.leftOut.refuse(path, why);
  else if (base?.mode === "160000") checkSubmodule(path, { entry, walk });
  else if (base !== undefined && !entry.isDirectory()) takeKnown(path, { base, walk });
  else if (isBaseFolder && entry.isDirectory()) level.folders.push(path);
  else level.fresh.push({ path, entry });

  if (entry.name === ".gitignore") walk.rules.note(path, look(path, walk));
}

/** A name that the base does not have. What it has is fine with git, and not the agent's doing. */
function checkNew(path: TreePath, { entry, walk }: { entry: Dirent; walk: Walk }): string | null {
  walk.entries++;
  walk.bytes += path.length;
  const { walkedEntries, walkedBytes } = walk.limits;
  if (walk.entries > walkedEntries) throw toTooMany(`${walkedEntries} new files and folders`);
  if (walk.bytes > walkedBytes) throw toTooMany(`${walkedBytes} bytes of paths`);
  return checkName(entry.name) ?? checkLength(path, walk);
}

/** A path that the base has as well. It counts only when it was touched since. */
function takeKnown(path: TreePath, { base, walk }: { base: BaseEntry; walk: Walk }): void {
  const found = look(path, walk);
  const special = checkKind(found);
  if (special !== null) return walk.leftOut.refuse(path, special);
  walk.present.add(path);
  if (walk.times.get(path) !== toFileTimes(found)) walk.touched.push({ path, found, base });
}

/** New paths: the ignored ones are as good as absent, new folders are looked into at the next level. */
async function takeFresh({ folders, fresh }: Level, { walk }: { walk: Walk }): Promise<void> {
  const toQuestion = ({ path, entry }: Level["fresh"][number]): TreePath => (entry.isDirectory() ? `${path}/` : path);
  const ignored = await walk.rules.ask(fresh.map(toQuestion));
  for (const item of fresh) {
    await walk.breathe();
    if (ignored.has(toQuestion(item))) continue;
    if (item.entry.isDirectory()) folders.push(item.path);
    else takeNew(item.path, { walk });
  }
}

function takeNew(path: TreePath, { walk }: { walk: Walk }): void {
  const found = look(path, walk);
  const special = checkKind(found);
  if (special !== null) return walk.leftOut.refuse(path, special);
  // It was there before the agent began: what the repository's setup made.
  if (walk.times.get(path) === toFileTimes(found)) return;
  walk.fresh++;
  if (walk.fresh > walk.limits.changedPaths) throw toTooMany(`${walk.limits.changedPaths} new files`);
  walk.touched.push({ path, found, base: null });
}

/** A submodule is only ever its commit's name. An empty folder is what the host made of it. */
function checkSubmodule(path: TreePath, { entry, walk }: { entry: Dirent; walk: Walk }): void {
  if (entry.isDirectory() && isEmpty(openUp(toFilePath(walk.treePath, path)))) return;
  walk.leftOut.refuse(path, "is a submodule, which stays as it was");
}

function isEmpty(folder: Buffer): boolean {
  const entries = listFolder(folder);
  const first = entries.next();
  // Closes the folder.
  entries.return(undefined);
  return first.done === true;
}

function refuseAll(folders: TreePath[], { walk }: { walk: Walk }): TreePath[] {
  for (const folder of folders) walk.leftOut.refuse(folder, `is more than ${walk.limits.depth} folders deep`);
  return [];
}

function checkLength(path: TreePath, { limits, treePath }: Walk): string | null {
  // The host's own copies lie beside the tree, and their paths must fit into what the system takes (4,096) as well.
  const mostBytes = Math.min(limits.pathBytes, 4_095 - Buffer.byteLength(treePath) - OWN_COPY_BYTES);
  return path.length > mostBytes ? `has a path of more than ${mostBytes} bytes` : null;
}

function checkKind(found: BigIntStats): string | null {
  if (found.isFile() || found.isSymbolicLink()) return null;
  if (found.isDirectory()) return "changed while it was read";
  if (found.isFIFO()) return "is a pipe";
  return found.isSocket() ? "is a socket" : "is a device";
}

function look(path: TreePath, { treePath }: Walk): BigIntStats {
  return lstatSync(toFilePath(treePath, path), { bigint: true });
}

/** What an overlay keeps in the place of something below that was removed; it is there as little as that. */
function isWhiteout(path: TreePath, walk: Walk): boolean {
  return look(path, walk).rdev === 0n;
}

/** Without root the host is the container's user, and may give itself the rights that the agent took away. */
function openUp(folder: Buffer): Buffer {
  const { mode } = lstatSync(folder);
  if ((mode & 0o500) !== 0o500) chmodSync(folder, mode | 0o700);
  return folder;
}

function toTooMany(what: string): RunError {
  return new RunError("patch-too-large", `The agent left more than ${what}.`);
}
