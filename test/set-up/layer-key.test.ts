import { expect, test } from "vitest";
import { RunRules } from "../../src/run/rules.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { findKeyFiles } from "../../src/set-up/key-files.ts";
import { toLayerKeys, type LayerKeyOptions } from "../../src/set-up/layer-key.ts";
import type { BaseTree } from "../../src/workspace/base-tree.ts";
import { createRequest } from "../helpers/requests.ts";

const toTree = (files: Record<string, string>): BaseTree => ({
  ...{ sha: "t", folders: new Set([""]) },
  entries: new Map(Object.entries(files).map(([path, oid]) => [path, { mode: "100644", oid }])),
});
const files = { "package-lock.json": "1", "tools/set-up.sh": "2", "src/a.ts": "3" };
const options: LayerKeyOptions = {
  base: { ref: "main", sha: "s", mirrorPath: "/m/octo-org-hello-1.git", indexPath: "/i" },
  ...{ tree: toTree(files), imageId: "sha256:1", user: { uid: 1, gid: 1 } },
};
const rules = RunRules.parse({ setup: ["npm ci", "cd tools && ./set-up.sh --fast"] });
const toKeys = (request: Partial<RunRequest> = {}, changed: Partial<LayerKeyOptions> = {}) =>
  toLayerKeys(createRequest({ rules, ...request }), { ...options, ...changed });
const onBranch = (ref: string) => ({ base: { ...options.base, ref } });

test.each([
  ["npm ci", "package-lock.json web/package.json .npmrc yarn.lock pnpm-lock.yaml .node-version"],
  ["pip install -r requirements-dev.txt", "requirements.txt requirements-dev.txt a/uv.lock pyproject.toml poetry.lock"],
  ["go mod download", "go.mod go.sum tools/go.mod"],
  ["mvn -q dependency:go-offline", "pom.xml core/pom.xml build.gradle.kts gradle.lockfile gradle/libs.versions.toml"],
  ["bundle install; cargo fetch", "Gemfile.lock Cargo.lock crates/a/Cargo.toml composer.lock"],
  ['bash -c "./scripts/set-up.sh"', "scripts/set-up.sh"],
  ["cd web && sh ../bin/prepare", "bin/prepare"],
  ["cd web && python3 prepare.py>/dev/null", "web/prepare.py"],
])("%s depends on %s", (command, paths) => {
  const tree = toTree(Object.fromEntries([...paths.split(" "), "src/a.ts", "README.md"].map((path) => [path, "1"])));
  expect(findKeyFiles([command], tree)).toEqual(paths.split(" ").toSorted());
});

test("whatever a set-up depends on changes its key, and nothing else does", () => {
  const { own } = toKeys();
  expect(own).toMatch(/^[0-9a-f]{40}$/);
  expect(toKeys({ prompt: "x", timeout: 9 }, { base: { ...options.base, sha: "other" } }).own).toBe(own);
  expect(toKeys({}, { tree: toTree({ ...files, "src/a.ts": "9" }) }).own).toBe(own);
  const others = [
    toKeys({}, { tree: toTree({ ...files, "package-lock.json": "9" }) }),
    toKeys({}, { tree: toTree({ ...files, "tools/set-up.sh": "9" }) }),
    toKeys({}, { tree: toTree({ ...files, "b/package.json": "1" }) }),
    toKeys({}, { imageId: "sha256:2" }),
    toKeys({}, { user: { uid: 2, gid: 1 } }),
    toKeys({}, { base: { ...options.base, mirrorPath: "/m/octo-org-hello-2.git" } }),
    toKeys({}, onBranch("side")),
    toKeys({ rules: { ...rules, setup: [...rules.setup, "true"] } }),
  ].map((keys) => keys.own);
  expect(new Set([own, ...others]).size).toBe(others.length + 1);
});

test("a branch reads what the default branch made, and keeps its own to itself", () => {
  const main = toKeys({ default_branch: "main" });
  expect(main.readable).toEqual([main.own]);
  const side = toKeys({ default_branch: "main" }, onBranch("side"));
  expect(side.readable).toEqual([main.own, side.own]);
  expect(toKeys({}, onBranch("side")).readable).toEqual([side.own]);
});

test("a run that goes on with another reads what the branch made that the first one started from", () => {
  const resume = { run_id: createRequest().run_id, thread_id: crypto.randomUUID(), base_ref: "main", base_sha: null };
  const { readable, own } = toKeys({ resume: { ...resume, changes: "pushed" } }, onBranch("codex/1-x"));
  expect(readable).toEqual([toKeys().own, own]);
  expect(toKeys({ resume: { ...resume, changes: "kept" } })).toEqual({ readable: [], own: null });
});

test("a fork's code neither makes nor reads a layer", () => {
  const pull = { number: 1, head_sha: "a".repeat(40), base_sha: "b".repeat(40), head: "fork" as const };
  expect(toKeys({ pull, default_branch: "main" })).toEqual({ readable: [], own: null });
});
