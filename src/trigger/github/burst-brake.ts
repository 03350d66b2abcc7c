export type BurstBrakeOptions = {
  /** Stops other work. */
  hold: () => void;
  /** Lets it go on. */
  release: () => void;
};

export type BurstBrake = {
  /** Says that a delivery arrived. */
  note(): void;
};

const WINDOW_MS = 200;
/** More than these within one window are a burst. */
const MANY = 30;
const QUIET_MS = 1000;
const LONGEST_MS = 20_000;
const FREE_MS = 5000;

/**
 * Holds other work back while deliveries come in a burst, so that all of the process goes into answering them: until
 * none came for a second, and for 20 s at most, after which the work has its turn for 5 s. A few
 * deliveries hold nothing back.
 */
export function createBurstBrake({ hold, release }: BurstBrakeOptions): BurstBrake {
  let window = { startedAtMs: -Infinity, count: 0 };
  let held: { sinceMs: number; quiet: NodeJS.Timeout } | null = null;
  let freeUntilMs = -Infinity;

  const end = (): void => {
    held = null;
    release();
  };
  const isMany = (nowMs: number): boolean => {
    if (nowMs - window.startedAtMs > WINDOW_MS) window = { startedAtMs: nowMs, count: 0 };
    window.count++;
    return window.count > MANY;
  };

  return {
    note: () => {
      const nowMs = performance.now();
      const many = isMany(nowMs);
      if (held !== null && nowMs - held.sinceMs < LONGEST_MS) {
        held.quiet.refresh();
      } else if (held !== null) {
        clearTimeout(held.quiet);
        freeUntilMs = nowMs + FREE_MS;
        end();
      } else if (many && nowMs >= freeUntilMs) {
        hold();
        held = { sinceMs: nowMs, quiet: setTimeout(end, QUIET_MS) };
      }
    },
  };
}
