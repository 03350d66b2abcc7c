import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashBlob, hashTreeFile, readTreeFile } from "../../src/workspace/read-tree-file.ts";
import type { TreeFile } from "../../src/workspace/read-tree-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "read-"));
  writeFileSync(join(folder, "file"), "text\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A path together with what `lstat` said of another one. */
function toFile(path: string, { lookedAt }: { lookedAt: string }): TreeFile {
  return { path: Buffer.from(join(folder, path)), found: lstatSync(join(folder, lookedAt), { bigint: true }) };
}

test("a file is read and named as git names it, in one piece and in parts", () => {
  const bytes = Buffer.alloc(3 * 2 ** 20 + 1, "x");
  writeFileSync(join(folder, "long"), bytes);
  const expected = execFileSync("git", ["hash-object", "--no-filters", join(folder, "long")])
    .toString("utf8")
    .trim();
  const file = toFile("long", { lookedAt: "long" });
  expect(readTreeFile(file)).toEqual(bytes);
  expect(hashBlob(bytes)).toBe(expected);
  expect(hashTreeFile(file)).toBe(expected);
});

test("a file that became a link after it was looked at is not followed", () => {
  symlinkSync("file", join(folder, "link"));
  expect(() => readTreeFile(toFile("link", { lookedAt: "file" }))).toThrow("ELOOP");
});

test("WS-021: a file that became a pipe does not hold us up", () => {
  execFileSync("mkfifo", [join(folder, "pipe")]);
  expect(() => readTreeFile(toFile("pipe", { lookedAt: "file" }))).toThrow("changed");
  expect(() => readTreeFile(toFile("pipe", { lookedAt: "pipe" }))).toThrow("changed");
});

test("a file that is another one, or another length, than the one that was looked at is not read", () => {
  writeFileSync(join(folder, "other"), "text\n");
  expect(() => readTreeFile(toFile("other", { lookedAt: "file" }))).toThrow("changed");
  const file = toFile("file", { lookedAt: "file" });
  writeFileSync(join(folder, "file"), "longer text\n");
  expect(() => readTreeFile(file)).toThrow("changed");
});
