import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createEgressNotes } from "../agent/egress-notes.ts";
import type { ToCommandSpecOptions } from "../container/command-spec.ts";
import { openEgressGateway } from "../gateway/egress-gateway.ts";
import { toEgressHosts, toProxyVariables } from "../run/egress.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunLog } from "../store/run-log.ts";
import type { CommandRoom } from "./command-room.ts";

/** What a container gets so that its commands reach the hosts they may. */
export type WayOut = AsyncDisposable & {
  variables: Record<string, string>;
  mounts: ToCommandSpecOptions["mounts"];
};

/**
 * Opens the way to the hosts that commands of a run may reach, and nothing else: no model behind it. What they reach, and what
 * is refused, goes to the log. Without any host there is no way at all.
 */
export async function openWayOut(
  { run_id: runId, rules }: RunRequest,
  { paths, settings, log }: Pick<CommandRoom, "paths" | "settings"> & { log: Pick<RunLog, "writeLog"> },
): Promise<WayOut> {
  const hosts = toEgressHosts(rules, { operator: settings.egressAllow });
  if (hosts.length === 0) return { variables: {}, mounts: [], [Symbol.asyncDispose]: async () => {} };
  const folder = paths.socketFolder(runId);
  // No longer than the path of the model's socket, which is known to fit.
  const socketPath = join(folder, "out", "e.sock");
  const source = await settings.toEnginePath(dirname(socketPath));
  const notes = createEgressNotes();
  notes.listen((line) => log.writeLog(line));
  const gateway = await openEgressGateway({ socketPath, egress: { hosts, onTunnel: notes.note } });
  return {
    variables: toProxyVariables(hosts),
    mounts: [{ source, target: "/run/egress", access: "read-only" }],
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
