import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createMask } from "../../src/masking/mask.ts";
import { checkPatch } from "../../src/secret-scan/check-patch.ts";
import { findKnownValues } from "../../src/secret-scan/find-known.ts";
import { createPatchScanner } from "../../src/secret-scan/patch-scanner.ts";
import { toSecretFailure } from "../../src/secret-scan/to-secret-failure.ts";

const own = "sk-canary-123456";
/** Of the right shape for a scanner, and nobody's. */
const token = ["ghp", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"].join("_");
const mask = createMask([own]);
const scanner = createPatchScanner();
afterAll(() => scanner[Symbol.dispose]());

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
  path = join(folder, "changes.patch");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Where a patch holds a secret, as people read it. */
async function check(patch: string): Promise<string[]> {
  writeFileSync(path, patch);
  const end = await checkPatch(path, { mask, scanner });
  if (end.kind === "gave-up") return ["gave up"];
  return end.places.map(({ path: file, line, rule }) => `${file}:${line} ${rule}`);
}

/** A patch that adds one file of these lines. */
function toPatch(lines: string[], { name = "src/a.js" } = {}): string {
  const head = [`diff --git a/${name} b/${name}`, "new file mode 100644", "--- /dev/null", `+++ b/${name}`];
  return [...head, `@@ -0,0 +1,${lines.length} @@`, ...lines.map((line) => `+${line}`), ""].join("\n");
}

test("WS-031: one of our own secrets is found in the added lines, in any form and wherever a chunk ends", async () => {
  for (const form of [own, Buffer.from(`x:${own}`).toString("base64"), encodeURIComponent(own)]) {
    const lines = [...Array.from({ length: 9361 }, () => "a line"), `key = ${form}`, ...Array(20_000).fill("a line")];
    expect(await check(toPatch(lines))).toEqual(["src/a.js:9362 known value"]);
  }
  expect(await check(toPatch(Array(20_000).fill("a line")))).toEqual([]);
  expect(await checkPatch(join(folder, "none"), { mask, scanner })).toEqual({ kind: "found", places: [] });
});

test("what looks like a token or a key is found, with file, line and kind, whatever a comment says", async () => {
  expect(await check(toPatch(["// secretlint-disable", "", `const token = "${token}";`]))).toEqual([
    "src/a.js:3 GITHUB_TOKEN",
  ]);
  writeFileSync(path, toPatch([`const token = "${token}";`]));
  const failure = toSecretFailure(await checkPatch(path, { mask, scanner }));
  expect(failure?.message).toBe(
    "The change holds what looks like a secret: src/a.js:1 (GITHUB_TOKEN). Nothing was pushed.",
  );
});

test("what was there before is none: it stays, is removed, or moved to another line or file", async () => {
  const stays = `diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n ${own}\n-${token}\n ${token}\n+more\n`;
  expect(await check(stays)).toEqual([]);
  const gone = `diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-key = "${token}"\n`;
  expect(await check(gone + toPatch([`key: '${token}'`], { name: "b" }))).toEqual([]);
});

test("hundreds of values that moved hide no new one", async () => {
  const moved = Array.from({ length: 300 }, (_, n) => `${token.slice(0, -3)}${String(n).padStart(3, "0")}`);
  const removed = toPatch(moved, { name: "old.js" })
    .replace("new file mode", "deleted file mode")
    .replace("--- /dev/null\n+++ b/old.js\n@@ -0,0 +1,300 @@", "--- a/old.js\n+++ /dev/null\n@@ -1,300 +0,0 @@")
    .replaceAll(/^\+(?=ghp)/gm, "-");
  const added = toPatch(moved, { name: "new.js" });
  expect(await check(removed + added)).toEqual([]);
  expect(await check(removed + added + toPatch([token], { name: "src/z.js" }))).toEqual(["src/z.js:1 GITHUB_TOKEN"]);
}, 30_000);

test("a value of several lines is found where it begins, whatever is removed between its lines and however they end", async () => {
  const value = "first line of it\nsecond line\nthe third one";
  const head = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -4,2 +4,5 @@\n x\n+y\n+first line of it\r\n";
  writeFileSync(path, `${head}-gone\n+second line\r\n+the third one\n`);
  expect(await checkPatch(path, { mask: createMask([value]), scanner })).toEqual({
    kind: "found",
    places: [{ path: "a", line: 6, rule: "known value" }],
  });
});

test("the name of a file is looked at too, and not told", async () => {
  expect(await check(toPatch(["x"], { name: `keys/${own}.txt` }))).toEqual(["keys/***.txt:null known value"]);
});

test("a binary file is looked at too, new or changed, however git writes it", async () => {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=n", "-c", "user.email=e", ...args]).toString();
  const noise = Buffer.from(Array.from({ length: 40_000 }, (_, at) => (at * at * 31) % 251));
  git("init", "-q");
  writeFileSync(join(folder, "changed.bin"), noise);
  git("add", "-A");
  git("commit", "-q", "-m", "x");
  const middle = Buffer.concat([noise.subarray(0, 20_000), Buffer.from(`\0${own}\0`), noise.subarray(20_000)]);
  writeFileSync(join(folder, "changed.bin"), middle);
  writeFileSync(join(folder, "new.bin"), Buffer.concat([noise, Buffer.from(own)]));
  writeFileSync(join(folder, "other.bin"), noise.toReversed());
  git("add", "-A");
  const patch = git("diff", "--binary", "--full-index", "--cached");
  expect([patch.includes("\ndelta "), patch.includes("\nliteral ")]).toEqual([true, true]);
  expect(await check(patch)).toEqual(["changed.bin:null known value", "new.bin:null known value"]);
});

test("megabytes in which every character is encoded hold nothing else up, and hide nothing", async () => {
  const lines = Array.from({ length: 4 }, () => "%41".repeat(500_000));
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  expect(await findKnown(lines)).toEqual([]);
  await sleep(50); // a delay is noted when it is over
  expect(delay.max / 1e6).toBeLessThan(3_000);
  delay.disable();
  const form = [...own].map((character) => `%${character.charCodeAt(0).toString(16)}`).join("");
  for (const length of [192 * 1024 - 5, 192 * 1024 + 5]) {
    const before = "x".repeat(length);
    expect(await findKnown([before.slice(9), `${before.slice(-8)}${form}`])).toEqual(["src/a.js:2"]);
  }
});

/** Where the values that are known stand in a patch, without a look for others. */
async function findKnown(lines: string[]): Promise<string[]> {
  writeFileSync(path, toPatch(lines));
  return (await findKnownValues(path, { mask })).map(({ path: file, line }) => `${file}:${line}`);
}

test("what takes too long is given up, and holds the change back", async () => {
  writeFileSync(path, toPatch(Array(50_000).fill(`const token = "x";`)));
  const end = await scanner.scan(path, { limitMs: 1 });
  expect([end.kind, toSecretFailure(end)?.reason]).toEqual(["gave-up", "secret-found"]);
});

test("a thread that waits serves one patch, and those that come at once get threads of their own", async () => {
  scanner.prepare();
  scanner.prepare();
  const patches = ["one", "two"].map((name) => {
    const patchPath = join(folder, name);
    writeFileSync(patchPath, toPatch([`const token = "${token}";`], { name }));
    return patchPath;
  });
  const ends = await Promise.all(patches.map((patchPath) => scanner.scan(patchPath)));
  expect(ends.map((end) => end.kind === "found" && end.places.map(({ path: file }) => file))).toEqual([
    ["one"],
    ["two"],
  ]);
});
