/** @param {number} startMs a reading of `performance.now()` */
const elapsed = (startMs) => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;

/** Prints one line of the set-up, to stderr: stdout belongs to the command that follows. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/**
 * Does one long step: says that it begins, that it still goes on, and at the end how long it took.
 *
 * Settles as the work does.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ begin: string, end: string, repeatMs?: number | null }} options the words for its begin and its end, and how
 *   often it is said that it goes on: every half minute, or never (null) when the work speaks for itself
 * @returns {Promise<T>}
 */
export async function reportStep(work, { begin, end, repeatMs = 30_000 }) {
  const startMs = performance.now();
  say(`${begin} ...`);
  const remind = () => say(`still ${begin} (${elapsed(startMs)})`);
  const timer = repeatMs === null ? undefined : setInterval(remind, repeatMs);
  try {
    const value = await work();
    say(`${end} (${elapsed(startMs)})`);
    return value;
  } finally {
    clearInterval(timer);
  }
}
