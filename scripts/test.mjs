// Everything that must hold before a change lands: the static checks, then every group of tests, the quick ones first.
// Goes on past failures, so that one run shows them all. Names of sections as arguments run only those.

import { runChecks } from "./run-checks.mjs";
import { runVitest } from "./run-vitest.mjs";

/** @typedef {{ isGreen: boolean, passed: number, failed: number }} Outcome checks count no tests */

/** @type {Record<string, { title: string, work: () => Promise<Outcome> }>} */
const sections = {
  checks: { title: "types, lint, format, unused code", work: runChecks },
  architecture: { title: "architecture", work: () => runVitest(["architecture"]) },
  unit: { title: "unit tests", work: () => runVitest(["unit"]) },
  product: {
    title: "with Docker, end to end, killed and started again, clients that others wrote, pages in Chromium",
    work: () => runVitest(["docker", "e2e", "crash", "peers", "browser"]),
  },
};

const startMs = performance.now();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in sections));
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(", ")}; there are ${Object.keys(sections).join(", ")}`);
  process.exit(2);
}

const lines = [];
const sum = { isGreen: true, passed: 0, failed: 0 };
for (const [name, { title, work }] of Object.entries(sections)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n===== ${title} =====`);
  const sectionStartMs = performance.now();
  const { isGreen, passed, failed } = await work();
  lines.push(`${isGreen ? "passed" : "FAILED"} ${title} (${toSeconds(sectionStartMs)})`);
  sum.isGreen &&= isGreen;
  sum.passed += passed;
  sum.failed += failed;
}

console.log(`\n${lines.join("\n")}\n${toSeconds(startMs)} in all\n`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.isGreen ? 0 : 1;

function toSeconds(/** @type {number} */ sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}
