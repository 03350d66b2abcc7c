import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { measureFolders } from "../container/watch-disk.ts";
import { toGitEnvironment } from "../git/git-environment.ts";
import { runProgram } from "../git/run-program.ts";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import { dropClaim } from "../set-up/claim.ts";
import { toLayerFolders, writeLayerNote } from "../set-up/layer.ts";
import { claimDraft, keepLayer } from "../set-up/layer-store.ts";
import { findDraftMount } from "../set-up/layered-mounts.ts";
import { pruneSetUpLayers } from "../set-up/prune-layers.ts";
import { stripLayer } from "../set-up/strip-layer.ts";
import type { RunLog } from "../store/run-log.ts";
import type { BaseTree } from "../workspace/base-tree.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import type { CommandRoom } from "./command-room.ts";
import { findHomeFolder, remakeOwnedFolder } from "./home-folder.ts";
import type { CommandsEnd } from "./run-commands.ts";
import { runSetup } from "./run-setup.ts";

export type MakeLayerOptions = CommandRoom & {
  base: Base;
  tree: BaseTree;
  log: RunLog;
  /** The key that it is kept by; null when it is for this run alone. */
  own: string | null;
};

/** `not-mounted`: the engine cannot lay folders over each other here; nothing was run. */
export type LayerEnd = CommandsEnd | { kind: "not-mounted"; why: string };

/**
 * Runs set-up above a workspace that stays as it is, and makes a layer of what it left, in the run's own folder until it is
 * complete. What failed is never a layer.
 */
export async function makeLayer(request: RunRequest, options: MakeLayerOptions): Promise<LayerEnd> {
  const { workspace, paths, own } = options;
  const beganAt = performance.now();
  const draftPath = join(workspace.rootPath, "set-up");
  const end = await fillDraft(request, { ...options, draftPath });
  if (end.kind === "not-mounted") await dropClaim(workspace);
  if (end.kind !== "passed") return end;

  await stripLayer(draftPath, options.tree);
  if (own !== null) {
    await noteLayer(draftPath, { ...options, own, seconds: (performance.now() - beganAt) / 1000 });
    await keepLayer(draftPath, { key: own, workspace, paths });
    // The run has what it needs, whatever becomes of older ones; they are pruned again later.
    await pruneSetUpLayers({ paths, how: "remove" }).catch(() => {});
  }
  return end;
}

async function fillDraft(request: RunRequest, options: MakeLayerOptions & { draftPath: string }): Promise<LayerEnd> {
  const { workspace, settings, paths, draftPath } = options;
  const { treePath, homePath } = toLayerFolders(draftPath);
  await claimDraft(draftPath, { workspace, paths });
  await removeTree(draftPath);
  for (const path of [treePath, homePath]) await remakeOwnedFolder(path, settings);
  await chmod(treePath, 0o755);
  const overlay = await findDraftMount({ workspace, toEnginePath: settings.toEnginePath });
  if (overlay === null) return { kind: "not-mounted", why: "RUNS_PATH has a name that the engine cannot mount" };
  const home = findHomeFolder(workspace, { request }) === null ? null : homePath;
  try {
    return await runSetup(request, { ...options, overlay, homePath: home, madePath: treePath });
  } catch (error) {
    // Whatever else it refuses it will refuse again.
    if (!(error instanceof RunError) || error.failure.reason !== "container-refused") throw error;
    return { kind: "not-mounted", why: error.failure.message };
  }
}

async function noteLayer(
  draftPath: string,
  { base, own, seconds }: MakeLayerOptions & { own: string; seconds: number },
): Promise<void> {
  const { treePath, homePath } = toLayerFolders(draftPath);
  const bytes = await measureFolders([treePath, homePath], { limitBytes: Infinity });
  // A machine that stops must not leave a layer of empty files behind: what counts is on the disk before it counts.
  await runProgram(["sync", "-f", draftPath], { env: toGitEnvironment({}) });
  await writeLayerNote(draftPath, {
    ...{ key: own, repository: base.mirrorPath, sha: base.sha, seconds, bytes },
    made_at: new Date().toISOString(),
  });
}
