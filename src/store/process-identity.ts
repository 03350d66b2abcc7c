import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { readMachineTime } from "../run/machine-time.ts";

/**
 * Who a process is, for all that share a database. `id` is `<boot>.<pid namespace>/<pid>/<start>`, since a number says
 * something only there; with the moment it started, so that a number the kernel gave to somebody else is not taken for
 * it. `machine` is `<boot>.<pid namespace>.<folders>`: processes that can see each other and keep their runs' folders in
 * one place. `boot` is the boot alone.
 */
export type ProcessIdentity = { id: string; machine: string; boot: string };

export type ReadIdentityOptions = {
  /** Names the folders in which the process keeps its runs, without a dot; those of one RUNS_PATH have the same. */
  folders?: string;
};

/** Names this process, or another one of this machine. */
export function readProcessIdentity(
  pid: number = process.pid,
  { folders = "0" }: ReadIdentityOptions = {},
): ProcessIdentity {
  const { boot } = readMachineTime();
  const space = `${boot}.${readPidNamespace()}`;
  return { id: `${space}/${pid}/${readProcess(pid)?.startTicks ?? "0"}`, machine: `${space}.${folders}`, boot };
}

/**
 * Whether a process of that machine kept its runs where this one does: then what it left behind can be taken up again,
 * and its folders are not ours alone. Several containers may share one RUNS_PATH without seeing each other's processes.
 */
export function sharesFolders(machine: string | null, self: ProcessIdentity): boolean {
  const toPlace = (name: string): string => name.replace(/^([^.]*)\..*\.([^.]*)$/, "$1 $2");
  return machine !== null && toPlace(machine) === toPlace(self.machine);
}

/** "alive" or "dead" when it can be told from here, "elsewhere" when the id names another machine or pid namespace. */
export function checkProcess(id: string, self: ProcessIdentity): "alive" | "dead" | "elsewhere" {
  if (id === self.id) return "alive";
  const [[space, pidText, start], [ownSpace]] = [parseId(id), parseId(self.id)];
  if (space === undefined || space !== ownSpace) return "elsewhere";
  const pid = Number(pidText);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return "dead";
  }
  const found = readProcess(pid);
  if (found === null) return start === "0" ? "alive" : "dead";
  const isGone = found.state === "Z" || found.state === "X";
  return found.startTicks === start && !isGone ? "alive" : "dead";
}

function parseId(id: string): (string | undefined)[] {
  return /^(.*)\/(\d+)\/(\d+)$/.exec(id)?.slice(1) ?? [];
}

/** State and start time (proc(5), `stat` fields 3 and 22); null where the kernel does not tell, or it is gone. */
function readProcess(pid: number): { state: string; startTicks: string } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state: fields[0] ?? "", startTicks: fields[19] ?? "0" };
  } catch {
    return null;
  }
}

/** The number of the namespace, which no other of this boot has (pid_namespaces(7)); elsewhere the machine's name. */
function readPidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch {
    return hostname().replaceAll("/", "-");
  }
}
