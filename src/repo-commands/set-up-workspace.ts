import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import { toDurationText } from "../run/words.ts";
import { toShortKey } from "../set-up/layer.ts";
import { type LayerKeys, toLayerKeys } from "../set-up/layer-key.ts";
import { takeLayer } from "../set-up/layer-store.ts";
import type { SetUpWay } from "../set-up/set-up-counts.ts";
import { openRunLog, type RunLog } from "../store/run-log.ts";
import { toCodeBlock } from "../text/markdown.ts";
import { readBaseTree } from "../workspace/base-tree.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import type { CommandRoom } from "./command-room.ts";
import { findHomeFolder, remakeOwnedFolder } from "./home-folder.ts";
import { makeLayer } from "./make-layer.ts";
import type { CommandsEnd } from "./run-commands.ts";
import { setUpInPlace } from "./set-up-in-place.ts";

export type SetUpOptions = CommandRoom & { base: Base };

/**
 * Gives a run what the `setup` of its repository makes: the layer that an earlier run's set-up made, or one that is made now. The
 * run's workspace stays as it was cloned, and the containers see it above the layer. Where the engine cannot do that, set-up
 * works in the workspace itself. Rejects with `setup-failed`, and with `DetachedError`.
 */
export async function setUpWorkspace(request: RunRequest, options: SetUpOptions): Promise<void> {
  const { paths, mask, signals, setUps } = options;
  const log = openRunLog(paths, { runId: request.run_id, mask, mode: "new" });
  const beganAt = performance.now();
  try {
    const { end, way, told } = await setUp(request, { ...options, log });
    if (end.kind === "cancelled") return signals.cancel.throwIfAborted();
    const seconds = (performance.now() - beganAt) / 1000;
    setUps.note(end.kind === "failed" ? "failed" : way, { seconds });
    if (end.kind === "failed") throw toSetupError(end);
    log.writeLog(`[setup] ${told} in ${toDurationText(seconds)}`);
  } finally {
    await log.close();
  }
}

type SetUpEnd = {
  end: CommandsEnd;
  way: Exclude<SetUpWay, "failed">;
  /** For the log. */
  told: string;
};

async function setUp(request: RunRequest, options: SetUpOptions & { log: RunLog }): Promise<SetUpEnd> {
  const { workspace, settings, paths, base, signals } = options;
  const tree = await readBaseTree(base.mirrorPath, { sha: base.sha, signal: signals.cancel });
  const { readable, own } = await readKeys(request, { ...options, tree });
  const homePath = findHomeFolder(workspace, { request });
  if (homePath !== null) await remakeOwnedFolder(homePath, settings);
  const note = await takeLayer(readable, { workspace, paths });
  if (note !== null) {
    const told = `reused (key ${toShortKey(note.key)}, made ${note.made_at})`;
    return { end: { kind: "passed" }, way: "reused", told };
  }
  const end = await makeLayer(request, { ...options, tree, own });
  if (end.kind === "not-mounted")
    return { end: await setUpInPlace(request, options), way: "not-kept", told: `not kept for later runs: ${end.why};` };
  if (own === null) return { end, way: "not-kept", told: "for this run alone" };
  return { end, way: "kept", told: `kept for later runs (key ${toShortKey(own)})` };
}

async function readKeys(
  request: RunRequest,
  { settings, base, tree }: SetUpOptions & { tree: Awaited<ReturnType<typeof readBaseTree>> },
): Promise<LayerKeys> {
  const { id } = await settings.findImage();
  return toLayerKeys(request, { base, tree, imageId: id, user: settings.user });
}

function toSetupError({ failure: { command, how, lastLines } }: Extract<CommandsEnd, { kind: "failed" }>): RunError {
  const details = lastLines === "" ? "It printed nothing." : `It printed last:\n\n${toCodeBlock(lastLines)}`;
  return new RunError("setup-failed", `The setup of the repository failed: \`${command}\` ${how}.`, { details });
}
