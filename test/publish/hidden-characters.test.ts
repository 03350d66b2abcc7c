import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findHiddenCharacters } from "../../src/publish/hidden-characters.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hidden-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function find(patch: string): Promise<string[]> {
  const path = join(folder, "changes.patch");
  writeFileSync(path, patch);
  return findHiddenCharacters(path);
}

test("WS-029: added lines with direction marks, invisible characters and tags are named by file and line", async () => {
  const patch = [
    "diff --git a/src/a.ts b/src/a.ts",
    "--- a/src/a.ts",
    "+++ b/src/a.ts",
    "@@ -1 +1,4 @@",
    " const a = 1;",
    "+const b = 2; // \u202e evil",
    "+const c = 3;",
    "+const\u200bd = 4;",
    "@@ -20,1 +22,2 @@ function x() {",
    " }",
    "+++ \u2066 looks like a header",
    "diff --git a/b.txt b/b.txt",
    "new file mode 100644",
    "--- /dev/null",
    "+++ b/b.txt",
    "@@ -0,0 +1 @@",
    "+\u{e0041}",
    "",
  ].join("\n");
  expect(await find(patch)).toEqual(["src/a.ts:2", "src/a.ts:4", "src/a.ts:23", "b.txt:1"]);
});

test("removed and unchanged lines, emoji and an empty patch give nothing", async () => {
  expect(await find("")).toEqual([]);
  expect(
    await find("diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n \u202e\n-\u202e\n+\u2764\ufe0f fine\n"),
  ).toEqual([]);
});

test("a carriage return and other line separators in a line hide nothing of what follows", async () => {
  const head = "diff --git a/a b/a\n--- a/a\n+++ b/a\n";
  expect(await find(`${head}@@ -0,0 +1,2 @@\n+a\rdiff --git \u202e evil\n+b\u2028 \u202e\n`)).toEqual(["a:1", "a:2"]);
});
