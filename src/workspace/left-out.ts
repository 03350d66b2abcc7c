import type { LeftOut } from "../run/changes.ts";
import { toFolder, toText } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/** How many paths are named; an agent can leave half a million. */
const NAMED = 200;

/** What is not taken over. A refused path stays as it is in the base, and so does all that the base has below it. */
export type LeftOutList = {
  refuse(path: TreePath, why: string): void;
  /** Whether the base's entry at this path stays, because it or a folder above it was refused. */
  holds(path: TreePath): boolean;
  /** In the order of the paths' bytes; the last one counts those that are not named. */
  toList(): LeftOut[];
};

/** An empty list. */
export function createLeftOutList(): LeftOutList {
  const reasons = new Map<TreePath, string>();
  return {
    refuse: (path, why) => void reasons.set(path, why),
    holds: (path) => isHeld(path, { reasons }),
    toList: () => toList(reasons),
  };
}

function isHeld(path: TreePath, { reasons }: { reasons: ReadonlyMap<TreePath, string> }): boolean {
  for (let at = path; at !== ""; at = toFolder(at)) if (reasons.has(at)) return true;
  return false;
}

function toList(reasons: ReadonlyMap<TreePath, string>): LeftOut[] {
  const sorted = [...reasons].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = sorted.slice(0, NAMED).map(([path, why]) => ({ path: toText(path), why }));
  const unnamed = sorted.length - named.length;
  return unnamed > 0 ? [...named, { path: "…", why: `and ${unnamed} more paths were left out` }] : named;
}
