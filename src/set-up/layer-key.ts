import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { RunRequest } from "../run/request.ts";
import type { BaseTree } from "../workspace/base-tree.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import { findKeyFiles } from "./key-files.ts";

/** Counts the changes to what layers hold: one made otherwise is none. */
const FORMAT = 1;

export type LayerKeyOptions = {
  base: Base;
  tree: BaseTree;
  /** The engine's own name of the image, which says what it holds. */
  imageId: string;
  user: { uid: number; gid: number };
};

/** Where a layer is looked for, the best first, and by which key it is kept; null when it is not to be kept. */
export type LayerKeys = { readable: string[]; own: string | null };

/**
 * The keys of a run's layer: of its repository, branch, image, commands, and the files that they depend on.
 *
 * Set-up runs code of the commit, so a layer can hold whatever that code put there. Who can push a branch must not reach the
 * runs on another one with it: a layer is kept for its own branch alone, and read on others only from the default branch, and
 * from the one that the run's own was made from. Nothing is kept, and nothing of others is read, for the code of a fork.
 * Nothing is kept of a workspace that holds more than its commit.
 */
export function toLayerKeys(request: RunRequest, options: LayerKeyOptions): LayerKeys {
  if (request.pull?.head === "fork" || request.resume?.changes === "kept") return { readable: [], own: null };
  const { ref } = options.base;
  const branches = [request.default_branch, request.resume?.base_ref ?? null, ref].filter((branch) => branch !== null);
  const [own, ...others] = [ref, ...new Set(branches)].map((branch) => toLayerKey(request, { ...options, branch }));
  return { readable: others, own: own ?? null };
}

type BranchOptions = LayerKeyOptions & { branch: string };

function toLayerKey({ rules }: RunRequest, { base, tree, imageId, user, branch }: BranchOptions): string {
  const files = findKeyFiles(rules.setup, tree).map((path) => [path, tree.entries.get(path)]);
  const parts = [FORMAT, basename(base.mirrorPath), branch, imageId, user.uid, user.gid, rules.setup, files];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40);
}
