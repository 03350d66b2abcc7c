import { EventEmitter } from "node:events";
import type { Bell } from "./bell.ts";
import { createRunningChores } from "./running-chores.ts";

/** For one machine: rings reach this process alone, and it does every chore itself. Nothing of it keeps the process up. */
export function createLocalBell(): Bell {
  const rings = new EventEmitter({ captureRejections: false });
  const chores = createRunningChores();
  const timers: NodeJS.Timeout[] = [];

  return {
    ring: () => void setImmediate(() => rings.emit("ring")),
    onRing: (listener) => void rings.on("ring", listener),
    every: async (name, { seconds }, body) => {
      const begin = (): void => void chores.run(name, body);
      timers.push(setInterval(begin, seconds * 1000).unref());
      begin();
    },
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearInterval(timer);
      rings.removeAllListeners();
      await chores.settle();
    },
  };
}
