import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Lets another program take this one's place: same terminal, same streams, same end. For Node versions that can't exec.
 *
 * Resolves with the exit code, 128 + n after signal n. SIGTERM and SIGHUP are passed on. SIGINT is only when there is no
 * terminal, since a terminal sends it to both by itself. Rejects when the program can't be started.
 *
 * @param {string[]} argv
 * @param {{ env?: Record<string, string | undefined> }} [options]
 * @returns {Promise<number>}
 */
export function runInForeground([program, ...args], { env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: "inherit" });
    for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => child.kill(signal));
    process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
    child.on("error", reject);
    child.on("exit", (exitCode, signal) => resolve(exitCode ?? 128 + constants.signals[signal ?? "SIGKILL"]));
  });
}
