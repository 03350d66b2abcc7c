// `npm run build`: the source as JavaScript in dist/, with the data files that stand beside it. A build that failed leaves
// nothing, since the launcher prefers what is built.

import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInForeground } from "./run-in-foreground.mjs";

const root = new URL("../", import.meta.url);
const source = fileURLToPath(new URL("src/", root));
const target = fileURLToPath(new URL("dist/", root));
const compiler = fileURLToPath(new URL("node_modules/typescript/bin/tsc", root));

// Data files first: the entry must be the newest of all when the build is over.
rmSync(target, { recursive: true, force: true });
cpSync(source, target, { recursive: true, filter: (path) => !path.endsWith(".ts") });
process.exitCode = await runInForeground([process.execPath, compiler, "-p", "tsconfig.build.json"]);
if (process.exitCode !== 0) rmSync(target, { recursive: true, force: true });
