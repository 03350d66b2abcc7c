import { existsSync, readdirSync, readFileSync } from "node:fs";

/** As the kernel tells it in /proc/<pid>/stat; `startedAt` counts its ticks since boot. */
type Process = {
  pid: number;
  parent: number;
  group: number;
  session: number;
  startedAt: number;
  state: string;
  command: string;
};

/**
 * The processes that tests started and did not end, as far as they stayed in this process's group or below it. What
 * Vitest itself runs here does not count. Linux only; elsewhere none is found.
 */
export function listLeftProcesses(): string[] {
  if (!existsSync("/proc/self/stat")) return [];
  const processes = readProcesses();
  const own = processes.get(process.pid);
  if (own === undefined) return [];

  return [...processes.values()]
    .filter((other) => isBelow(other, { own, processes }) || isOrphan(other, { own, processes }))
    .filter(({ state, command }) => state !== "Z" && !isOfVitest(command))
    .map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`);
}

type Surroundings = { own: Process; processes: Map<number, Process> };

function isBelow(other: Process, { own, processes }: Surroundings): boolean {
  const parent = processes.get(other.parent);
  return parent !== undefined && (parent.pid === own.pid || isBelow(parent, { own, processes }));
}

/**
 * It is younger than we are, in the group that a terminal or CI started together with us, and its parent is gone: it now
 * belongs to the first process or to one of another session.
 */
function isOrphan(other: Process, { own, processes }: Surroundings): boolean {
  const isOfOurGroup = other.pid !== own.pid && other.group === own.group && other.startedAt >= own.startedAt;
  return isOfOurGroup && (other.parent === 1 || processes.get(other.parent)?.session !== own.session);
}

function isOfVitest(command: string): boolean {
  return /^vitest-watchdog|node_modules\/(vitest|vite)\//.test(command);
}

function readProcesses(): Map<number, Process> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return new Map(pids.flatMap((pid) => readProcess(pid) ?? []).map((process) => [process.pid, process]));
}

/** Null when it ended meanwhile. The name in `stat` stands in parentheses and may hold anything, so it is cut off. */
function readProcess(pid: string): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [parent = 0, group = 0, session = 0] = fields.map(Number);
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid: Number(pid), parent, group, session, startedAt: Number(fields[18]), state, command };
  } catch {
    return null;
  }
}
