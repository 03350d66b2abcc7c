/**
 * The npm scripts that make a fresh clone ready first: what each needs (see set-up.mjs), and what Node then runs. An empty
 * argv is the set-up alone.
 *
 * @type {Record<string, { needs: import("./set-up.mjs").Need[], argv: string[] }>}
 */
export const commands = {
  "set-up": { needs: ["engine"], argv: [] },
  demo: { needs: ["engine"], argv: ["bin/codex-orchestrator.mjs", "demo"] },
  start: { needs: ["engine"], argv: ["--max-semi-space-size=8", "bin/codex-orchestrator.mjs", "serve"] },
  bench: { needs: ["engine", "postgres"], argv: ["bench/bench.ts"] },
  test: { needs: ["engine", "postgres", "peers", "browser", "busybox", "systemd"], argv: ["scripts/test.mjs"] },
  "test:unit": { needs: ["postgres", "systemd"], argv: vitest("unit") },
  "test:docker": { needs: ["engine"], argv: vitest("docker") },
  "test:e2e": { needs: ["engine", "postgres", "busybox"], argv: vitest("e2e") },
  "test:browser": { needs: ["browser"], argv: vitest("browser") },
  "test:crash": { needs: ["engine", "postgres"], argv: vitest("crash") },
  "test:peers": { needs: ["engine", "peers"], argv: vitest("peers") },
  "test:languages": { needs: ["engine"], argv: vitest("languages") },
  "test:mutations": { needs: ["engine", "postgres"], argv: ["test/mutations/run-mutations.ts"] },
  check: { needs: [], argv: ["scripts/test.mjs", "checks", "architecture"] },
  build: { needs: [], argv: ["scripts/build.mjs"] },
  format: { needs: [], argv: ["node_modules/prettier/bin/prettier.cjs", "--write", "."] },
};

function vitest(/** @type {string} */ project) {
  return ["node_modules/vitest/vitest.mjs", "run", "--project", project];
}
