import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInForeground } from "./run-in-foreground.mjs";

const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));

/**
 * Runs groups of tests (projects of vitest.config.ts) to their end, with Vitest's own report on the terminal. Those that stand
 * together run side by side, so that no processor waits for the last file of each.
 *
 * @param {string[]} projects
 * @returns {Promise<{ isGreen: boolean, passed: number, failed: number }>} a file that could not be run counts as failed
 */
export async function runVitest(projects) {
  const folder = mkdtempSync(join(tmpdir(), "vitest-report-"));
  const reportPath = join(folder, "report.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`];
    const chosen = projects.flatMap((project) => ["--project", project]);
    const exitCode = await runInForeground([process.execPath, vitest, "run", ...chosen, ...reporters]);
    return { isGreen: exitCode === 0, ...readCounts(reportPath) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} reportPath */
function readCounts(reportPath) {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(reportPath, "utf8"));
    const broken = testResults.filter(
      (/** @type {any} */ { status, assertionResults }) =>
        status === "failed" && !assertionResults.some((/** @type {any} */ test) => test.status === "failed"),
    );
    return { passed: numPassedTests, failed: numFailedTests + broken.length };
  } catch {
    return { passed: 0, failed: 1 }; // Vitest itself broke down.
  }
}
