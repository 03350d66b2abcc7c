import { readFileSync } from "node:fs";
import type { MachineTime } from "./checkpoint.ts";

/**
 * The time on this machine's own clock: the same for all its processes, untouched by changes of the time of day, begun
 * anew at every boot (clock_gettime(2), CLOCK_MONOTONIC; proc(5), `boot_id`).
 */
export function readMachineTime(): MachineTime {
  return { boot: readBootId(), ms: Number(process.hrtime.bigint() / 1000n) / 1000 };
}

/** Milliseconds since an earlier moment of this boot; null when the machine was started anew since, or is another one. */
export function toElapsedMs(since: MachineTime, now: MachineTime = readMachineTime()): number | null {
  return since.boot === now.boot ? now.ms - since.ms : null;
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}
