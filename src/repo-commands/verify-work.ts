import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { toCommandSpec } from "../container/command-spec.ts";
import { RunError } from "../run/failure.ts";
import type { RunRequest } from "../run/request.ts";
import type { CommandFailure } from "../run/verification.ts";
import { findCheckMounts } from "../set-up/layered-mounts.ts";
import { openRunLog } from "../store/run-log.ts";
import { removeTree } from "../workspace/remove-tree.ts";
import type { CommandRoom } from "./command-room.ts";
import { toCommandScript } from "./command-script.ts";
import { findHomeFolder, remakeOwnedFolder } from "./home-folder.ts";
import { runCommands, type CommandsEnd } from "./run-commands.ts";

/** `not-run`: the engine could not do its part, which says nothing about what was to be verified. */
export type VerifyEnd = CommandsEnd | { kind: "not-run"; failure: CommandFailure };

export type VerifyWorkOptions = CommandRoom & {
  /** How long all commands together may take. */
  timeoutMs: number;
};

/**
 * Runs the repository's own checks on what the agent left, in a container like the agent's but without its way to the model.
 * They work on a copy, which that container makes itself: nothing they write can be taken for the agent's change, and no
 * program of the host reads what a stranger left. May be repeated at any time. An engine that fails ends
 * nothing, since what they check is paid for. Rejects with `DetachedError`.
 */
export async function verifyWork(request: RunRequest, options: VerifyWorkOptions): Promise<VerifyEnd> {
  const { run_id: runId, rules } = request;
  const { engine, settings, workspace, paths, mask, attempt, onCommand, signals, timeoutMs } = options;
  const log = openRunLog(paths, { runId, mask, mode: "append" });
  const copies = { treePath: join(workspace.rootPath, "verify"), homePath: join(workspace.rootPath, "verify-home") };
  try {
    for (const path of Object.values(copies)) await remakeOwnedFolder(path, settings);
    await chmod(copies.treePath, 0o755);
    const home = findHomeFolder(workspace, { request });
    const [image, { copyFrom, ...places }] = [
      await settings.findImage(),
      await findPlaces({ ...options, home, copies }),
    ];
    const script = toCommandScript(rules.verify, { copyFrom });
    const spec = toCommandSpec({
      ...{ purpose: "verify", runId, attempt, instanceId: paths.instance, image, argv: script.argv },
      ...{ owner: settings.user, limits: settings.limits, runtime: settings.runtime, ...places },
    });
    return await runCommands(rules.verify, {
      ...{ purpose: "verify", engine, spec, script, log, mask, onCommand, timeoutMs, signals },
      disk: {
        paths: [...Object.values(copies), ...(home === null ? [] : [home])],
        limitBytes: settings.limits.diskBytes,
        reserveBytes: settings.diskReserveBytes,
      },
    });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    const failure = { command: rules.verify[0] ?? "", how: "could not be run", lastLines: error.failure.message };
    return { kind: "not-run", failure };
  } finally {
    await log.close();
    // What is still there goes with the workspace.
    if (!signals.detach.aborted) for (const path of Object.values(copies)) await removeTree(path).catch(() => {});
  }
}

/** Where a container that makes the copy itself has what it copies. */
const COPIED_FROM = "/source";

type FindPlacesOptions = VerifyWorkOptions & {
  home: string | null;
  copies: { treePath: string; homePath: string };
};

/**
 * Where the checks work: above what the agent left where folders can be laid over each other; else on a copy, which the
 * container makes.
 */
async function findPlaces({ settings, workspace, home, copies }: FindPlacesOptions) {
  const { toEnginePath } = settings;
  const overlays = await findCheckMounts({ workspace, homePath: home, toEnginePath, copies });
  if (overlays !== null) return { copyFrom: null, homePath: null, overlays, mounts: [] };
  return {
    copyFrom: COPIED_FROM,
    homePath: home === null ? null : await toEnginePath(home),
    mounts: [
      { source: await toEnginePath(workspace.treePath), target: COPIED_FROM, access: "read-only" as const },
      { source: await toEnginePath(copies.treePath), target: "/workspace", access: "read-write" as const },
    ],
  };
}
