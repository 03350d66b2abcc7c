import { existsSync, readdirSync, readFileSync } from "node:fs";

/** `startedAt` counts the kernel's ticks since boot. */
type Process = { pid: number; parent: number; group: number; startedAt: number; state: string; command: string };

/**
 * The processes that tests started and did not end, as far as they stayed in this process's group or below it. What
 * Vitest itself runs here does not count. Linux only; elsewhere none is found.
 */
export function listLeftProcesses(): string[] {
  if (!existsSync("/proc/self/stat")) return [];
  const processes = readProcesses();
  const own = processes.get(process.pid);
  if (own === undefined) return [];
  const above = new Set(listAncestors(own, processes).map(({ pid }) => pid));

  return [...processes.values()]
    .filter(({ pid }) => pid !== own.pid && !above.has(pid))
    .filter((other) => isBelow(other, { own, processes }) || isOrphanOf(other, own))
    .filter(({ state, command }) => state !== "Z" && !isOfVitest(command))
    .map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`);
}

function isBelow(other: Process, { own, processes }: { own: Process; processes: Map<number, Process> }): boolean {
  return listAncestors(other, processes).some(({ pid }) => pid === own.pid);
}

/** Its parent is gone, it is younger than we are, and in the group that a terminal or CI started together with us. */
function isOrphanOf(other: Process, own: Process): boolean {
  return other.group === own.group && other.parent === 1 && other.startedAt >= own.startedAt;
}

function isOfVitest(command: string): boolean {
  return /^vitest-watchdog|node_modules\/(vitest|vite)\//.test(command);
}

function listAncestors(process: Process, processes: Map<number, Process>): Process[] {
  const parent = processes.get(process.parent);
  return parent === undefined ? [] : [parent, ...listAncestors(parent, processes)];
}

function readProcesses(): Map<number, Process> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(pids.flatMap((pid) => readProcess(pid) ?? []).map((process) => [process.pid, process]));
}

/** Null when it ended meanwhile. The name in `stat` stands in parentheses and may hold anything, so it is cut off. */
function readProcess(pid: string): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group] = fields;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    const startedAt = Number(fields[19]);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), startedAt, state, command };
  } catch {
    return null;
  }
}
