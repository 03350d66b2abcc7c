import type { AgentReport } from "../run/outcome.ts";

/**
 * What a first process exits with that was ended from outside: SIGKILL, SIGTERM, and what Docker makes up when it did
 * not see the end. Other signals are the program's own faults.
 */
const ENDED_FROM_OUTSIDE = [137, 143, 255];

/**
 * Whether a container that nobody watched, and that nobody asked to stop, was ended by its engine: from outside, not by
 * the kernel's memory killer, and before the agent had come to the end of its turn. Docker 20.10 was seen to show 143 or
 * 255 for containers that were killed with it, and no error.
 */
export function isLostEnding(
  { exitCode, outOfMemory }: { exitCode: number; outOfMemory: boolean },
  { turn }: Pick<AgentReport, "turn">,
): boolean {
  return ENDED_FROM_OUTSIDE.includes(exitCode) && !outOfMemory && turn === "none";
}
