import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { removeOrphans } from "../setup/own-containers.ts";
import { allMutations } from "./all-mutations.ts";
import { applyMutation, type Mutation } from "./mutation.ts";
import { runVitest } from "./run-vitest.ts";

const USAGE = `npm run test:mutations [-- --only <beginning of an id>]... [-- --list]

Loosens one control after the other in a copy of this clone, and runs the tests that look after it: at least one must
fail. Exits with 1 when none does, and when a control is not where the table says.`;

const TIMEOUT_MS = 3 * 60_000;
const root = join(import.meta.dirname, "..", "..");
const leftOut = new Set(["node_modules", ".git", "dist", "runs", "coverage"]);

/** A copy of the clone that may be changed; the packages are linked. */
async function copyClone(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "mutations-"));
  await cp(root, path, { recursive: true, filter: (source) => !leftOut.has(basename(source)) });
  await symlink(join(root, "node_modules"), join(path, "node_modules"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** What became of one mutation, in words that begin the line; only `killed` is good. */
async function tryMutation(mutation: Mutation, { clone }: { clone: string }): Promise<{ end: string; by: string }> {
  const path = join(clone, mutation.file);
  const source = await readFile(path, "utf8");
  const mutated = applyMutation(source, mutation);
  if (mutated === null) return { end: "NOT FOUND", by: `its text is not exactly once in ${mutation.file}` };
  const startedAtMs = Date.now();
  try {
    await writeFile(path, mutated);
    const verdict = await runVitest(clone, { tests: mutation.tests, timeoutMs: TIMEOUT_MS });
    if (verdict.kind === "red") return { end: "killed", by: verdict.by };
    return verdict.kind === "broken" ? { end: "BROKEN", by: verdict.why } : { end: "SURVIVED", by: mutation.loosens };
  } finally {
    await writeFile(path, source);
    await removeOrphans({ startedAtMs });
  }
}

async function runMutations(mutations: Mutation[]): Promise<number> {
  await using clone = await copyClone();
  const tests = [...new Set(mutations.flatMap((mutation) => mutation.tests))];
  const untouched = await runVitest(clone.path, { tests, timeoutMs: 10 * TIMEOUT_MS });
  if (untouched.kind !== "green") {
    console.log(`The tests fail without any mutation: ${untouched.kind === "red" ? untouched.by : untouched.why}`);
    return 1;
  }

  const width = Math.max(...mutations.map(({ id }) => id.length));
  let killed = 0;
  for (const mutation of mutations) {
    const { end, by } = await tryMutation(mutation, { clone: clone.path });
    console.log(`${end.padEnd(9)} ${mutation.id.padEnd(width)}  ${by}`);
    if (end === "killed") killed += 1;
  }
  console.log(`\n${killed} of ${mutations.length} killed`);
  return killed === mutations.length ? 0 : 1;
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [""] },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const chosen = allMutations.filter(({ id }) => values.only.some((beginning) => id.startsWith(beginning)));
if (values.help || chosen.length === 0) {
  console.log(values.help ? USAGE : `No mutation's id begins with ${values.only.join(" or ")}.\n\n${USAGE}`);
  process.exitCode = values.help ? 0 : 2;
} else if (values.list) {
  for (const { id, loosens, file } of chosen) console.log(`${id}: ${loosens} (${file})`);
} else {
  process.exitCode = await runMutations(chosen);
}
