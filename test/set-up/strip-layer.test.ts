import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stripLayer } from "../../src/set-up/strip-layer.ts";
import type { BaseTree } from "../../src/workspace/base-tree.ts";
import { removeTree } from "../../src/workspace/remove-tree.ts";

let layer: string;
beforeEach(() => (layer = mkdtempSync(join(tmpdir(), "layer-"))));
afterEach(() => removeTree(layer));

const tree: BaseTree = {
  ...{ sha: "t", folders: new Set(["", "src", "src/deep", "gone"]) },
  entries: new Map(
    ["package-lock.json", "src/a.ts", "src/deep/b.ts", "gone/c.ts"].map((path) => [path, { mode: "100644", oid: "1" }]),
  ),
};
const at = (path: string): string => join(layer, "ws", path);

function leave(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), "made");
  }
}

function list(): string[] {
  const paths = readdirSync(at(""), { recursive: true, encoding: "utf8" });
  return paths.filter((path) => !lstatSync(at(path)).isDirectory()).toSorted();
}

test("what set-up made stays, what it did to files of the repository and to .git goes", async () => {
  leave(
    "node_modules/a/i.js",
    "src/made.ts",
    "new.txt",
    "package-lock.json",
    "src/a.ts",
    ".git/hooks/post-checkout",
    "sub/.git/x",
  );
  await stripLayer(layer, tree);
  expect(list()).toEqual(["new.txt", "node_modules/a/i.js", "src/made.ts", "sub/.git/x"]);
  expect(readdirSync(layer)).toEqual(["ws"]);
});

test("files and folders that set-up removed, or put something else in the place of, are the commit's again", async () => {
  leave("src/deep", "package-lock.json/x", "kept.txt");
  execFileSync("mknod", [at("gone"), "c", "0", "0"]);
  execFileSync("mknod", [at("src/a.ts"), "c", "0", "0"]);
  await stripLayer(layer, tree);
  expect(list()).toEqual(["kept.txt"]);
});

test("no link is followed, and rights that were taken away are no obstacle", async () => {
  const outside = mkdtempSync(join(tmpdir(), "outside-"));
  writeFileSync(join(outside, "a.ts"), "host");
  mkdirSync(at("src"), { recursive: true });
  leave("package-lock.json/x/y");
  chmodSync(at("package-lock.json"), 0o000);
  symlinkSync(outside, at("src/deep"));
  chmodSync(at("src"), 0o000);
  await stripLayer(layer, tree);
  expect(existsSync(at("src/deep"))).toBe(false);
  expect(readdirSync(outside)).toEqual(["a.ts"]);
  await removeTree(outside);
});
