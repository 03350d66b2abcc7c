/**
 * The npm scripts that make a fresh clone ready first: what each needs (see set-up.mjs), and what Node then runs. An empty
 * argv is the set-up alone.
 *
 * @type {Record<string, { needs: import("./set-up.mjs").Needs, argv: string[] }>}
 */
export const commands = {
  "set-up": { needs: "everything", argv: [] },
  demo: { needs: "everything", argv: ["bin/codex-orchestrator.mjs", "demo"] },
  start: { needs: "everything", argv: ["bin/codex-orchestrator.mjs", "serve"] },
  bench: { needs: "everything", argv: ["bench/bench.ts"] },
  test: { needs: "everything", argv: ["scripts/test.mjs"] },
  "test:unit": { needs: "dependencies", argv: vitest("unit") },
  "test:docker": { needs: "everything", argv: vitest("docker") },
  "test:e2e": { needs: "everything", argv: vitest("e2e") },
  check: { needs: "dependencies", argv: ["scripts/test.mjs", "checks", "architecture"] },
  build: { needs: "dependencies", argv: ["scripts/build.mjs"] },
  format: { needs: "dependencies", argv: ["node_modules/prettier/bin/prettier.cjs", "--write", "."] },
};

function vitest(/** @type {string} */ project) {
  return ["node_modules/vitest/vitest.mjs", "run", "--project", project];
}
