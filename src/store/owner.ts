import { readFileSync } from "node:fs";

/**
 * Names the process that executes a run: its id and the moment it started, so that a number the kernel gave to somebody
 * else is not taken for it (proc(5), `stat` field 22; elsewhere the id alone).
 */
export function toOwner(pid: number = process.pid): string {
  return `${pid}/${readStartTicks(pid) ?? "0"}`;
}

/** Whether the process that this owner names still runs on this machine. */
export function isAlive(owner: string): boolean {
  const pid = Number.parseInt(owner, 10);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPERM")) return false;
  }
  return toOwner(pid) === owner;
}

function readStartTicks(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[19];
  } catch {
    return undefined;
  }
}
