// Everything that must hold before a change lands: the checks of check.mjs, then every group of tests, the quick ones
// first. Goes on past failures, so that one run shows them all.

import { runChecks } from "./check.mjs";
import { runVitestGroup } from "./vitest-group.mjs";

const groups = { architecture: "architecture", unit: "unit tests", docker: "tests with Docker", e2e: "end to end" };
const startMs = performance.now();
const times = [];
const failures = [];
const sum = { passed: 0, failed: 0 };

failures.push(...(await timeSection("static checks", { work: runChecks })));
for (const [project, title] of Object.entries(groups)) {
  const { isGreen, passed, failed } = await timeSection(title, { work: () => runVitestGroup(project) });
  if (!isGreen) failures.push(title);
  sum.passed += passed;
  sum.failed += failed;
}

console.log(`\n${times.join(", ")}; ${toSeconds(startMs)} in all`);
if (failures.length > 0) console.log(`FAILED: ${failures.join(", ")}`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;

/**
 * @template T
 * @param {string} title
 * @param {{ work: () => Promise<T> }} options
 * @returns {Promise<T>}
 */
async function timeSection(title, { work }) {
  console.log(`\n===== ${title} =====`);
  const sectionStartMs = performance.now();
  const value = await work();
  times.push(`${title} ${toSeconds(sectionStartMs)}`);
  return value;
}

function toSeconds(/** @type {number} */ sinceMs) {
  return `${Math.round((performance.now() - sinceMs) / 1000)} s`;
}
