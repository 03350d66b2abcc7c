import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
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

const passedOver: [title: string, plant: () => void][] = [
  ["MK-003: a link to a file of the host", () => symlinkSync(join(folder, "secret"), join(from, "link"))],
  ["MK-007: a folder on the way that is a link", () => symlinkSync(folder, join(from, "folder"))],
  ["a pipe", () => void execFileSync("mkfifo", [join(from, "pipe")])],
];

test.each(passedOver)("%s is passed over, and nothing of the host's is copied", async (_, plant) => {
  writeFileSync(join(folder, "secret"), "secret");
  plant();
  expect(await copyForeignFolder(from, { to, owner: null, limits })).toBe(true);
  expect(new Set(readdirSync(to, { recursive: true, encoding: "utf8" }))).toEqual(
    new Set(["2026", "2026/11", "2026/11/thread.jsonl"]),
  );
});

const refused: [title: string, plant: () => void, refusal: string][] = [
  ["MK-006: a sparse file of 1 TB", () => truncateTo(join(from, "sparse"), 2 ** 40), "larger than 1024 bytes"],
  ["MK-006: text over the limit", () => writeFileSync(join(from, "large"), "x".repeat(2_000)), "larger than 1024"],
  ["MK-007: a link in place of the folder itself", () => swapForLink(from), "ENOTDIR"],
];

test.each(refused)("%s is refused, and nothing is left of the copy", async (_, plant, refusal) => {
  plant();
  const before = readdirSync(folder);
  await expect(copyForeignFolder(from, { to, owner: null, limits })).rejects.toThrow(refusal);
  expect(readdirSync(folder)).toEqual(before);
});

function truncateTo(path: string, bytes: number): void {
  writeFileSync(path, "");
  truncateSync(path, bytes);
}

function swapForLink(path: string): void {
  renameSync(path, `${path}-real`);
  symlinkSync(`${path}-real`, path);
}

test.each(["missing", "empty"])("of a folder that is %s there is no copy", async (name) => {
  mkdirSync(join(folder, "empty"));
  expect(await copyForeignFolder(join(folder, name), { to, owner: null, limits })).toBe(false);
  expect(readdirSync(folder)).not.toContain("to");
});
