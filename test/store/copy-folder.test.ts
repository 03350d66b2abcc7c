import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyForeignFolder } from "../../src/store/copy-folder.ts";

const limits = { files: 10, fileBytes: 1024, totalBytes: 4096, depth: 4 };
let folder = "";
let from = "";
let to = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "copy-"));
  [from, to] = [join(folder, "from"), join(folder, "to")];
  mkdirSync(join(from, "2026", "11"), { recursive: true });
  writeFileSync(join(from, "2026", "11", "thread.jsonl"), "{}\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the copy holds the regular files, for their owner alone, in place of what was there", async () => {
  mkdirSync(to);
  writeFileSync(join(to, "old"), "old");
  expect(await copyForeignFolder(from, { to, owner: null, limits })).toBe(true);
  expect(readdirSync(to)).toEqual(["2026"]);
  const copied = join(to, "2026", "11", "thread.jsonl");
  expect([readFileSync(copied, "utf8"), statSync(copied).mode & 0o777, statSync(to).mode & 0o777]).toEqual([
    "{}\n",
    0o600,
    0o700,
  ]);
});

test("links are not followed, neither to files nor to folders", async () => {
  writeFileSync(join(folder, "secret"), "secret");
  symlinkSync(join(folder, "secret"), join(from, "link"));
  symlinkSync(folder, join(from, "folder"));
  await copyForeignFolder(from, { to, owner: null, limits });
  expect(readdirSync(to)).toEqual(["2026"]);
});

test("a folder that holds too much is refused, and nothing is left", async () => {
  writeFileSync(join(from, "large"), "x".repeat(2_000));
  await expect(copyForeignFolder(from, { to, owner: null, limits })).rejects.toThrow("larger than 1024 bytes");
  expect(readdirSync(folder)).toEqual(["from"]);
});

test.each(["missing", "empty"])("of a folder that is %s there is no copy", async (name) => {
  mkdirSync(join(folder, "empty"));
  expect(await copyForeignFolder(join(folder, name), { to, owner: null, limits })).toBe(false);
  expect(readdirSync(folder)).not.toContain("to");
});
