#!/usr/bin/env -S node --max-semi-space-size=8
// The command `codex-orchestrator`. Plain JavaScript that any Node understands: it finds a Node that runs the product and
// the product's entry, the built one or, in a checkout, the source. What streams through a server is garbage at once: half of
// V8's usual room for new objects (16 MiB a half) takes a third of the memory and no longer.

import { existsSync, readdirSync, statSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);
const oldestMajor = 24;
/** Set for the Node that takes over: should that one be too old as well, no third one is started. */
const takenOver = "CODEX_ORCHESTRATOR_TAKEN_OVER";
const hasTakenOver = process.env[takenOver] !== undefined;
delete process.env[takenOver];

if (Number.parseInt(process.versions.node, 10) >= oldestMajor) {
  // What was compiled once is kept inside the package: half of a short command's time is compiling.
  module.enableCompileCache?.(fileURLToPath(new URL("node_modules/.cache/codex-orchestrator", root)));
  await import(chooseEntry().href).catch(explainMissing);
} else {
  await continueWithNewerNode();
}

/** A fresh clone has no dependencies yet: that needs a sentence and no stack. */
function explainMissing(/** @type {unknown} */ error) {
  const isMissing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  if (!isMissing || existsSync(new URL("node_modules/zod/", root))) throw error;
  process.stderr.write("codex-orchestrator: the dependencies are not installed; run `npm ci` in the checkout.\n");
  process.exitCode = 2;
}

/** The built entry, unless there is none or the source is newer than it. */
function chooseEntry() {
  const [built, source] = [new URL("dist/main.js", root), new URL("src/main.ts", root)];
  if (!existsSync(source)) return built;
  const builtAtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  return builtAtMs !== undefined && builtAtMs > readNewestMs(new URL("src/", root)) ? built : source;
}

/** When the newest file or folder below a folder changed. */
function readNewestMs(/** @type {URL} */ folder) {
  let newestMs = statSync(folder).mtimeMs;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const url = new URL(entry.isDirectory() ? `${entry.name}/` : entry.name, folder);
    newestMs = Math.max(newestMs, entry.isDirectory() ? readNewestMs(url) : statSync(url).mtimeMs);
  }
  return newestMs;
}

/** Runs this file again, once, with the Node that came with the dependencies; without one, says what to install. */
async function continueWithNewerNode() {
  const { findNode } = await import("../scripts/find-node.mjs");
  const { runInForeground } = await import("../scripts/run-in-foreground.mjs");
  const node = hasTakenOver ? null : findNode();
  if (node === null) {
    process.stderr.write(
      `codex-orchestrator: Node ${oldestMajor} or newer is needed, this is ${process.versions.node}; install it from ` +
        "https://nodejs.org, or run `npm run set-up` in the checkout, which brings one where it can.\n",
    );
    process.exitCode = 2;
    return;
  }
  process.exitCode = await runInForeground(
    [node, "--max-semi-space-size=8", fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { env: { ...process.env, [takenOver]: "1" } },
  );
}
