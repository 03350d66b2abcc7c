import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Lab, at, readPatch, toLines } from "./lab.ts";

test("WS-021: a FIFO, socket, device or sparse file is refused and listed", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", tracked: "was a file\n" }));
  execFileSync("mkfifo", [at(run, "pipe")]);
  rmSync(at(run, "tracked"));
  execFileSync("mkfifo", [at(run, "tracked")]);
  await lab.leaveSocket(at(run, "socket"));
  writeFileSync(at(run, "sparse"), "");
  truncateSync(at(run, "sparse"), 2 ** 40);
  truncateSync(at(run, "a.txt"), 2 ** 40);
  const expected = [
    { path: "a.txt", why: "is longer than 10 MiB" },
    { path: "pipe", why: "is a pipe" },
    { path: "socket", why: "is a socket" },
    { path: "sparse", why: "is longer than 10 MiB" },
    { path: "tracked", why: "is a pipe" },
  ];
  if (process.getuid?.() === 0) {
    execFileSync("mknod", [at(run, "device"), "c", "1", "5"]);
    expected.splice(1, 0, { path: "device", why: "is a device" });
  }
  const started = performance.now();
  const collected = await lab.collect(run);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(collected).toMatchObject({ changes: [], leftOut: expected });
});

test("WS-022: a link inside the tree is kept as a link, one that leaves it is refused, and no target is ever read", async () => {
  await using lab = new Lab();
  const secret = join(lab.path, "secret");
  writeFileSync(secret, "CANARY\n");
  const run = await lab.clone(
    lab.createRemote({ "dir/a.txt": "a\n", "base-link": { link: "/etc/hostname" }, "old-link": { link: "dir" } }),
  );
  const links: Record<string, string> = {
    "in-tree": "dir/a.txt",
    "dir/up": "../dir/a.txt",
    loop: "loop",
    dangling: "no/such/file",
    absolute: "/etc/passwd",
    host: secret,
    "other-run": "../../other-run",
    "dir/far": "../../x",
    sly: "dir/../../x",
    "git-config": ".git/config",
    "sub-git": "dir/.GIT/config",
  };
  for (const [path, target] of Object.entries(links)) symlinkSync(target, at(run, path));
  rmSync(at(run, "old-link"));
  symlinkSync(lab.path, at(run, "old-link"));
  rmSync(at(run, "dir/a.txt"));
  symlinkSync(secret, at(run, "dir/a.txt"));
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual([
    "added dangling 120000",
    "added dir/up 120000",
    "added in-tree 120000",
    "added loop 120000",
  ]);
  expect(collected.leftOut.map(({ path }) => path)).toEqual([
    "absolute",
    "dir/a.txt",
    "dir/far",
    "git-config",
    "host",
    "old-link",
    "other-run",
    "sly",
    "sub-git",
  ]);
  expect(lab.readTree(run.base.mirrorPath, collected.treeSha).get("dir/a.txt")).toBe("100644 a");
  expect(readPatch(run)).not.toContain("CANARY");
});

test("a folder of the base that became a link to elsewhere is refused, and what the base has below it stays", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "dir/a.txt": "a\n", "b.txt": "b\n" }));
  mkdirSync(join(lab.path, "elsewhere"));
  writeFileSync(join(lab.path, "elsewhere/a.txt"), "CANARY\n");
  rmSync(at(run, "dir"), { recursive: true });
  symlinkSync(join(lab.path, "elsewhere"), at(run, "dir"));
  const collected = await lab.collect(run);
  expect(collected).toMatchObject({ changes: [], leftOut: [{ path: "dir" }] });
});

test("RP-008: every spelling of .git is refused and listed, and the rest of its folder is taken", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  const spellings = [
    ".GIT",
    ".Git",
    "git~1",
    "GIT~1",
    ".git ",
    ".git.",
    ".git. .",
    ".git::$INDEX_ALLOCATION",
    ".g\u200cit",
    ".gi\u200dt",
    "\ufeff.git",
    ".git\u2060",
    "x\\.git\\y",
  ];
  for (const name of spellings) {
    mkdirSync(at(run, name));
    writeFileSync(at(run, `${name}/config`), "x");
  }
  mkdirSync(at(run, "sub/.git"), { recursive: true });
  writeFileSync(at(run, "sub/.git/config"), "x");
  writeFileSync(at(run, "sub/code.txt"), "x");
  mkdirSync(at(run, "other"));
  writeFileSync(at(run, "other/.git"), "gitdir: /etc\n");
  writeFileSync(at(run, "other/code.txt"), "x");
  const fine = [".gitignore", ".gitx", "git~", "digit", ".github", "git", "a.git", ".git-x"];
  for (const name of fine) writeFileSync(at(run, name), "");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(
    [...fine, "other/code.txt", "sub/code.txt"].toSorted().map((name) => `added ${name} 100644`),
  );
  expect(collected.leftOut.map(({ path }) => path).toSorted()).toEqual(
    [...spellings, "other/.git", "sub/.git"].toSorted(),
  );
});

test("links in place of files that git reads are refused", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", ".gitattributes": "" }));
  for (const name of [".gitmodules", ".GITMODULES", "gitmod~1", ".gitignore"]) symlinkSync("a.txt", at(run, name));
  rmSync(at(run, ".gitattributes"));
  symlinkSync("a.txt", at(run, ".gitattributes"));
  const collected = await lab.collect(run);
  expect(collected.changes).toEqual([]);
  expect(collected.leftOut).toHaveLength(5);
});

test("RP-014: paths of more than 4,000 bytes and more than 100 folders are refused by name, shorter ones are taken", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  const long = "x".repeat(199);
  lab.makeDeep(run.workspace.treePath, { names: Array.from({ length: 21 }, () => long), file: "f" });
  lab.makeDeep(run.workspace.treePath, { names: Array.from({ length: 300 }, () => "d"), file: "f" });
  lab.makeDeep(run.workspace.treePath, { names: Array.from({ length: 90 }, () => "e"), file: "f" });
  writeFileSync(at(run, "n".repeat(255)), "x");
  const collected = await lab.collect(run);
  expect(toLines(collected).map((line) => line.length)).toEqual([6 + 180 + 1 + 7, 6 + 255 + 7]);
  expect(collected.leftOut.map(({ why }) => why)).toEqual([
    "is more than 100 folders deep",
    expect.stringMatching(/^has a path of more than \d{4} bytes$/),
  ]);
});

test("WS-019: folders 14 KB deep are refused by name, and the workspace can still be removed", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  lab.makeDeep(run.workspace.treePath, { names: Array.from({ length: 60 }, () => "y".repeat(240)), file: "f" });
  writeFileSync(at(run, "a.txt"), "b\n");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["modified a.txt 100644"]);
  expect(collected.leftOut).toHaveLength(1);
  await run.workspace[Symbol.asyncDispose]();
  expect(existsSync(run.workspace.rootPath)).toBe(false);
});

test("a submodule stays as it was, whatever the agent did to its folder", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const sha = "1".repeat(40);
  for (const path of ["filled", "file", "gone", "in/the/way", "empty"]) lab.commitEntry(`160000 ${sha}\t${path}`);
  const run = await lab.clone(url);
  writeFileSync(at(run, "filled/x"), "x");
  rmSync(at(run, "file"), { recursive: true });
  writeFileSync(at(run, "file"), "x");
  rmSync(at(run, "gone"), { recursive: true });
  rmSync(at(run, "in"), { recursive: true });
  writeFileSync(at(run, "in"), "x");
  const collected = await lab.collect(run);
  expect(collected.changes).toEqual([]);
  expect(collected.leftOut.map(({ path }) => path)).toEqual(["file", "filled", "in"]);
});

test("an odd name that the base has already is none of the agent's doing", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "git~7/a.txt": "a\n", "git~8": "b\n" }));
  writeFileSync(at(run, "git~7/a.txt"), "changed\n");
  writeFileSync(at(run, "git~9"), "x");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["modified git~7/a.txt 100644"]);
  expect(collected.leftOut).toEqual([{ path: "git~9", why: "is git's own name" }]);
});
