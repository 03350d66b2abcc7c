import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { readMachineTime } from "../run/machine-time.ts";

/**
 * Who a process is, for all that share a database. `id` is `<machine>/<pid>/<start>`: the moment it started, so that a
 * number the kernel gave to somebody else is not taken for it. `machine` names the boot and the pid namespace, since a
 * number says something only there; `boot` is the boot alone.
 */
export type ProcessIdentity = { id: string; machine: string; boot: string };

/** Names this process, or another one of this machine. */
export function readProcessIdentity(pid: number = process.pid): ProcessIdentity {
  const { boot } = readMachineTime();
  const machine = `${boot}.${readPidNamespace()}`;
  return { id: `${machine}/${pid}/${readProcess(pid)?.startTicks ?? "0"}`, machine, boot };
}

/** "alive" or "dead" when it can be told from here, "elsewhere" when the id names another machine or pid namespace. */
export function checkProcess(id: string, self: ProcessIdentity): "alive" | "dead" | "elsewhere" {
  if (id === self.id) return "alive";
  const [, machine, pidText, start] = /^(.*)\/(\d+)\/(\d+)$/.exec(id) ?? [];
  if (machine !== self.machine) return "elsewhere";
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
