import { toCommandSpec } from "../container/command-spec.ts";
import type { OverlayMount } from "../container/overlay-mount.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunLog } from "../store/run-log.ts";
import type { CommandRoom } from "./command-room.ts";
import { toCommandScript } from "./command-script.ts";
import { runCommands, type CommandsEnd } from "./run-commands.ts";
import { openWayOut } from "./way-out.ts";

export type RunSetupOptions = CommandRoom & {
  log: RunLog;
  /** How the container gets its workspace; null for the run's own, as it is. */
  overlay: OverlayMount | null;
  /** A folder for its home; null for an empty one in memory. */
  homePath: string | null;
  /** Where what the commands make lies, besides the home. */
  madePath: string;
};

/**
 * Runs the commands of the repository that come before the agent, in a container of their own: no model, no prompt, no token, and
 * of the network only the hosts that the run's commands may reach. They may take as long as the run itself.
 */
export async function runSetup(request: RunRequest, options: RunSetupOptions): Promise<CommandsEnd> {
  const { run_id: runId, rules, timeout } = request;
  const { engine, settings, workspace, paths, mask, attempt, onCommand, signals, log } = options;
  const { overlay, homePath, madePath } = options;
  const script = toCommandScript(rules.setup, { copyFrom: null });
  await using way = await openWayOut(request, options);
  const [image, tree] = await Promise.all([settings.findImage(), settings.toEnginePath(workspace.treePath)]);
  const spec = toCommandSpec({
    ...{ purpose: "setup", runId, attempt, instanceId: paths.instance, image, argv: script.argv },
    ...{ owner: settings.user, limits: settings.limits, runtime: settings.runtime, variables: way.variables },
    homePath: homePath === null ? null : await settings.toEnginePath(homePath),
    overlays: overlay === null ? [] : [overlay],
    mounts: [{ source: tree, target: "/workspace", access: "read-write" }, ...way.mounts],
  });
  return await runCommands(rules.setup, {
    ...{ purpose: "setup", engine, spec, script, log, mask, onCommand, timeoutMs: timeout * 1000, signals },
    disk: {
      paths: [madePath, ...(homePath === null ? [] : [homePath])],
      limitBytes: settings.limits.diskBytes,
      reserveBytes: settings.diskReserveBytes,
    },
  });
}
