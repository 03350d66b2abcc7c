import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { at, Lab, replay } from "./lab.ts";
import type { TestRun } from "./lab.ts";

const name = fc.constantFrom("a", "b", "c d", "é", "-x", "q\"'", "new\nline", "z\\");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const content = fc.constantFrom("", "one\n", "one\r\n", "\0binary", "long\n".repeat(300));

const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), path, content }),
  fc.record({ kind: fc.constant("delete" as const), path }),
  fc.record({ kind: fc.constant("chmod" as const), path }),
  fc.record({ kind: fc.constant("link" as const), path, target: name }),
  fc.record({ kind: fc.constant("folder" as const), path }),
  fc.record({ kind: fc.constant("move" as const), path, target: path }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does one step where it is possible; a step that makes no sense on the tree as it is changes nothing. */
function take(run: TestRun, { step: todo }: { step: Step }): void {
  const where = at(run, todo.path);
  try {
    if (todo.kind === "delete") return rmSync(where, { recursive: true, force: true });
    if (todo.kind === "chmod") return lstatSync(where).isFile() ? chmodSync(where, 0o755) : undefined;
    mkdirSync(dirname(where), { recursive: true });
    if (todo.kind === "folder") mkdirSync(where, { recursive: true });
    else if (todo.kind === "move") renameSync(where, at(run, todo.target));
    else if (todo.kind === "link" && !existsSync(where)) symlinkSync(todo.target, where);
    else if (todo.kind === "write") writeFileSync(where, todo.content);
  } catch {
    // A file in a folder's place, a link that leads nowhere, and the like.
  }
}

/** The tree that a git makes of a clean copy, as a person would with `git add --all`. */
function addAll(lab: Lab, { run, round }: { run: TestRun; round: number }): string {
  const copy = join(lab.path, `copy-${round}`);
  cpSync(run.workspace.treePath, copy, { recursive: true, verbatimSymlinks: true });
  rmSync(join(copy, ".git"), { recursive: true });
  lab.git(["init", "--quiet"], { cwd: copy });
  lab.git(["-c", "core.autocrlf=false", "add", "--all", "--force"], { cwd: copy });
  return lab.git(["write-tree"], { cwd: copy });
}

test("whatever files, links and folders a run leaves, the tree is the one that git makes of a clean copy", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({
    a: "one\n",
    "b/a": { program: "one\n" },
    "b/b": { link: "a" },
    "c d/a/b": "\0binary",
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const run = await lab.clone(url);
      for (const todo of steps) take(run, { step: todo });
      const collected = await lab.collect(run);
      expect(collected.leftOut).toEqual([]);
      expect(collected.treeSha).toBe(addAll(lab, { run, round: round++ }));
      expect(await replay(lab, run)).toBe(collected.treeSha);
    }),
    { numRuns: 15 },
  );
}, 120_000);
