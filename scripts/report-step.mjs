const stillAfterMs = 30_000;

/** @param {number} startMs a reading of `performance.now()` */
const elapsed = (startMs) => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;

/** Prints one line of the set-up, to stderr: stdout belongs to the command that follows. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/**
 * Does one long step: says that it begins, every half minute that it goes on, and at the end how long it took.
 *
 * Settles as the work does.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @param {{ begin: string, end: string }} words for example "installing the dependencies" and "dependencies installed"
 * @returns {Promise<T>}
 */
export async function reportStep(work, { begin, end }) {
  const startMs = performance.now();
  say(`${begin} ...`);
  const timer = setInterval(() => say(`still ${begin} (${elapsed(startMs)})`), stillAfterMs);
  try {
    const value = await work();
    say(`${end} (${elapsed(startMs)})`);
    return value;
  } finally {
    clearInterval(timer);
  }
}
