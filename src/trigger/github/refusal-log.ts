import type { Logger } from "../../logger.ts";
import type { BodyRefusal } from "./body-reader.ts";

const LINES_PER_WINDOW = 60;
const WINDOW_MS = 60_000;

/**
 * Logs refused webhook requests: the reason and the number of bytes, nothing that the sender chose. A flood gets
 * 60 lines a minute; what was left out is counted in the first line of the next minute.
 */
export function createRefusalLog(log: Logger, now: () => number = () => performance.now()): (it: BodyRefusal) => void {
  let startedAtMs = -Infinity;
  let lines = 0;
  let leftOut = 0;
  return ({ reason, status, bytes }) => {
    if (now() - startedAtMs >= WINDOW_MS) {
      startedAtMs = now();
      lines = 0;
    }
    if (lines >= LINES_PER_WINDOW) {
      leftOut++;
      return;
    }
    lines++;
    log.warn(leftOut > 0 ? { reason, status, bytes, leftOut } : { reason, status, bytes }, "webhook request refused");
    leftOut = 0;
  };
}
