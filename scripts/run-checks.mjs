// The checks that only read the source, side by side: types, lint, format, unused code. Prints what each found.

import { fileURLToPath } from "node:url";
import { captureProgram } from "./run-program.mjs";

const modules = new URL("../node_modules/", import.meta.url);
const script = (/** @type {string} */ path) => fileURLToPath(new URL(path, modules));

const checks = {
  types: [script("typescript/bin/tsc"), "-p", "."],
  build: [script("typescript/bin/tsc"), "-p", "tsconfig.build.json", "--noEmit"],
  lint: [script("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"],
  format: [script("prettier/bin/prettier.cjs"), "--check", "--log-level=warn", "."],
  "unused code": [script("knip/bin/knip.js"), "--no-progress"],
};

/**
 * Runs every check to its end, all at once, and prints each one's findings as soon as it has ended.
 *
 * @returns {Promise<{ isGreen: boolean, passed: 0, failed: 0 }>} checks are not tests, so they count none
 */
export async function runChecks() {
  const results = await Promise.all(Object.entries(checks).map(([name, argv]) => runCheck(name, { argv })));
  return { isGreen: results.every(Boolean), passed: 0, failed: 0 };
}

/**
 * @param {string} name
 * @param {{ argv: string[] }} options
 * @returns {Promise<boolean>} whether it passed
 */
async function runCheck(name, { argv }) {
  const startMs = performance.now();
  const { exitCode, output } = await captureProgram([process.execPath, ...argv], {
    env: process.env,
    cwd: process.cwd(),
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (exitCode !== 0) console.log(output.trimEnd());
  console.log(`${name}: ${exitCode === 0 ? "passed" : "FAILED"} (${seconds} s)`);
  return exitCode === 0;
}
