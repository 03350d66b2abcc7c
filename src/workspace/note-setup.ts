import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readBaseTree } from "./base-tree.ts";
import type { Base } from "./clone-workspace.ts";
import { GONE, readFileTimes, toFileTimes, toTimesPath, writeTimes } from "./file-times.ts";
import { openIgnoreRules } from "./ignore-rules.ts";
import { DEFAULT_LIMITS, type IngestLimits } from "./ingest-limits.ts";
import { createLeftOutList } from "./left-out.ts";
import { toTreePath, type TreePath } from "./tree-path.ts";
import { walkTree } from "./walk-tree.ts";
import type { Workspace } from "./workspace.ts";

export type NoteSetupOptions = {
  base: Base;
  /** Paths that differed from the base before: they stay a change, whatever setup did to them. */
  changedBefore: readonly Buffer[];
  limits?: Partial<IngestLimits>;
  signal?: AbortSignal;
};

/** Files are known again by their times only when these are older than this, in milliseconds; see `FileTimes`. */
const SETTLE_MS = 150;

/**
 * Notes what the commands that come before the agent left in the tree, so that only what is touched after them counts as a
 * change: new files, files of the base that they changed, and those that they removed. To be called when their container is
 * gone and the agent's has not begun. Rejects with `patch-too-large` when there is more than the limits allow.
 */
export async function noteSetup(workspace: Workspace, options: NoteSetupOptions): Promise<void> {
  const { base, changedBefore, signal } = options;
  const { treePath, rootPath } = workspace;
  const { mirrorPath } = base;
  await sleep(SETTLE_MS);
  const [baseTree, times, rules] = await Promise.all([
    readBaseTree(mirrorPath, { sha: base.sha, signal }),
    readFileTimes(toTimesPath(workspace)),
    openIgnoreRules({ treePath, mirrorPath, scratchPath: join(rootPath, "setup-rules"), signal }),
  ]);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { touched, present } = await walkTree({
    ...{ treePath, base: baseTree, times, rules, limits, leftOut: createLeftOutList(), signal },
  });
  const changed = new Set(changedBefore.map(toTreePath));
  const noted = new Map<TreePath, string>(times);
  for (const { path, found } of touched) if (!changed.has(path)) noted.set(path, toFileTimes(found));
  for (const [path, { mode }] of baseTree.entries) {
    if (mode !== "160000" && !present.has(path) && !changed.has(path)) noted.set(path, GONE);
  }
  writeTimes(toTimesPath(workspace), noted);
}
