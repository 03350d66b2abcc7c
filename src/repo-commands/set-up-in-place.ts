import { join } from "node:path";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunLog } from "../store/run-log.ts";
import type { Base } from "../workspace/clone-workspace.ts";
import { collectChanges } from "../workspace/collect-changes.ts";
import { noteSetup } from "../workspace/note-setup.ts";
import type { CommandRoom } from "./command-room.ts";
import { findHomeFolder, remakeOwnedFolder } from "./home-folder.ts";
import type { CommandsEnd } from "./run-commands.ts";
import { runSetup } from "./run-setup.ts";

/**
 * Sets up in the run's own workspace, where layers cannot be mounted. What the commands leave is noted, so that it counts as a
 * change only when the agent touches it. Rejects with `setup-failed`, and with `DetachedError`.
 */
export async function setUpInPlace(
  request: RunRequest,
  options: CommandRoom & { base: Base; log: RunLog },
): Promise<CommandsEnd> {
  const { base, workspace, settings, signals } = options;
  const changedBefore = await listChanges(request, options);
  const homePath = findHomeFolder(workspace, { request });
  if (homePath !== null) await remakeOwnedFolder(homePath, settings);
  const end = await runSetup(request, { ...options, overlay: null, homePath, madePath: workspace.treePath });
  if (end.kind === "passed")
    await noteSetup(workspace, { base, changedBefore, signal: signals.cancel }).catch(explainTooMany);
  return end;
}

/** What an earlier run of the thread kept stands in the workspace already. */
async function listChanges(
  { resume }: RunRequest,
  { workspace, base }: Pick<CommandRoom, "workspace"> & { base: Base },
): Promise<Buffer[]> {
  if (resume?.changes !== "kept") return [];
  const { changes } = await collectChanges(workspace, { base, patchPath: join(workspace.rootPath, "kept.patch") });
  return changes.map(({ path }) => path);
}

function explainTooMany(error: unknown): never {
  if (!(error instanceof RunError) || error.failure.reason !== "patch-too-large") throw error;
  throw new RunError("setup-failed", "The setup of the repository left too many new files that no .gitignore names.", {
    hint: "Name what `setup` makes in .gitignore, then try again.",
    cause: error,
  });
}
