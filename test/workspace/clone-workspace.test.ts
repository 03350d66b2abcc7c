import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { RunError } from "../../src/run/failure.ts";
import { toMirrorPath } from "../../src/workspace/mirror.ts";
import { Lab } from "./lab.ts";

/** The reason of the RunError that a promise rejects with, and its message. */
async function failure(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => "it did not fail",
    (reason: unknown) => reason,
  );
  return error instanceof RunError ? `${error.failure.reason}: ${error.message}` : String(error);
}

test("the tree holds the branch's newest commit, and the base names it", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({
    "README.md": "hello\n",
    "bin/run": { program: "#!/bin/sh\n" },
    here: { link: "README.md" },
  });
  const { workspace, base } = await lab.clone(url);
  expect(readFileSync(join(workspace.treePath, "here"), "utf8")).toBe("hello\n");
  expect(lstatSync(join(workspace.treePath, "here")).isSymbolicLink()).toBe(true);
  expect(statSync(join(workspace.treePath, "bin/run")).mode & 0o111).not.toBe(0);
  expect(base.ref).toBe("main");
  expect(base.sha).toBe(lab.git(["rev-parse", "main"], { cwd: lab.remotePath() }));
  expect(lab.git(["for-each-ref", "--format=%(refname)", "refs/orch/"], { cwd: base.mirrorPath })).toBe(
    `refs/orch/${workspace.runId}`,
  );
});

test("a warm mirror fetches only what is new, also when no run is left in it", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const listObjects = (mirrorPath: string): string[] =>
    readdirSync(join(mirrorPath, "objects"), { recursive: true }).map(String).sort();
  const first = await lab.clone(url);
  const before = listObjects(first.base.mirrorPath);
  await first.workspace[Symbol.asyncDispose]();
  const second = await lab.clone(url);
  expect(listObjects(second.base.mirrorPath)).toEqual(before);
});

test("without a branch the remote's default branch is taken, whatever its name", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  lab.git(["branch", "-m", "main", "trunk/of-all"], { cwd: lab.remotePath() });
  const { base } = await lab.clone(url, { baseRef: null });
  expect(base.ref).toBe("trunk/of-all");
  expect(base.sha).toBe(lab.git(["rev-parse", "trunk/of-all"], { cwd: lab.remotePath() }));
});

test("the agent's .git is clean, on the branch, with history, and has no remote, hook, alternate or shared file", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n", "dir/b.txt": "b\n" });
  lab.addCommits(60);
  const { workspace, base } = await lab.clone(url);
  const git = (...args: string[]): string => lab.git(args, { cwd: workspace.treePath });
  expect(git("status", "--porcelain=v1", "--branch")).toBe("## main");
  expect(git("rev-parse", "HEAD")).toBe(base.sha);
  expect(git("rev-list", "--count", "HEAD")).toBe("50");
  expect(git("remote")).toBe("");
  expect(git("fsck", "--full")).toBe("");
  writeFileSync(join(workspace.treePath, "a.txt"), "more\n");
  git("commit", "--quiet", "--all", "-m", "The agent commits");
  expect(git("status", "--porcelain")).toBe("");

  const gitPath = join(workspace.treePath, ".git");
  expect(existsSync(join(gitPath, "hooks"))).toBe(false);
  expect(existsSync(join(gitPath, "objects/info/alternates"))).toBe(false);
  const packs = join(gitPath, "objects/pack");
  expect(readdirSync(packs).map((name) => statSync(join(packs, name)).nlink)).toEqual([1, 1]);
});

test("RP-004: line ends, $Id$, UTF-16 and export attributes change nothing on the way out", async () => {
  await using lab = new Lab();
  const files = {
    "crlf.txt": "a\r\nb\r\n",
    "mixed.txt": "a\nb\r\n",
    "id.c": "$Id$ $Format:%H$\n",
    "wide.txt": Buffer.from([0xff, 0xfe, 0x61, 0x00, 0x0a, 0x00]),
    "left.txt": "ignored in archives\n",
  };
  const url = lab.createRemote(files);
  lab.commitFile(".gitattributes", {
    content:
      "*.txt text eol=crlf\n*.c ident export-subst\nwide.txt working-tree-encoding=UTF-16\nleft.txt export-ignore\n",
  });
  const run = await lab.clone(url);
  for (const [name, content] of Object.entries(files)) {
    expect(readFileSync(join(run.workspace.treePath, name))).toEqual(Buffer.from(content));
  }
  expect(lab.git(["status", "--porcelain"], { cwd: run.workspace.treePath })).toBe("");
  expect((await lab.collect(run)).changes).toEqual([]);
});

test("RP-003: a filter that the repository asks for and the host's own settings define is not run", async () => {
  await using lab = new Lab();
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
  const url = lab.createRemote({ "big.bin": pointer, ".gitattributes": "* filter=lfs diff=lfs merge=lfs\n" });
  const settings = join(lab.path, "gitconfig");
  const program = `touch ${lab.path}/filter-ran; cat`;
  writeFileSync(settings, `[filter "lfs"]\n\tsmudge = ${program}\n\tclean = ${program}\n\trequired = true\n`);
  process.env["GIT_CONFIG_GLOBAL"] = settings;
  try {
    const run = await lab.clone(url);
    expect(readFileSync(join(run.workspace.treePath, "big.bin"), "utf8")).toBe(pointer);
    writeFileSync(join(run.workspace.treePath, "big.bin"), "real bytes\n");
    expect((await lab.collect(run)).changes).toHaveLength(1);
  } finally {
    delete process.env["GIT_CONFIG_GLOBAL"];
  }
  expect(existsSync(join(lab.path, "filter-ran"))).toBe(false);
});

test("RP-001: an empty repository is refused as empty, with and without a branch", async () => {
  await using lab = new Lab();
  const url = lab.createEmptyRemote();
  expect(await failure(lab.clone(url))).toBe("repository-empty: The repository has no commits.");
  expect(await failure(lab.clone(url, { baseRef: null }))).toBe("repository-empty: The repository has no commits.");
});

test("a branch that does not exist is named, and a repository that does not exist cannot be cloned", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  expect(await failure(lab.clone(url, { baseRef: "no-such" }))).toBe(
    "base-missing: The repository has no branch named no-such.",
  );
  expect(await failure(lab.clone(url, { baseRef: "--upload-pack=touch x" }))).toMatch(/^base-missing/);
  expect(await failure(lab.clone(`${url}-not`))).toMatch(/^clone-failed: .*does not appear to be a git repository/);
});

test("RP-018: a repository with SHA-256 names is refused clearly", async () => {
  await using lab = new Lab();
  const url = lab.createEmptyRemote({ objectFormat: "sha256" });
  lab.pushCommit(url);
  const said = await failure(lab.clone(url));
  expect(said).toMatch(/^clone-failed/);
  await expect(lab.clone(url)).rejects.toMatchObject({ failure: { hint: expect.stringContaining("SHA-256") } });
});

test("RP-008: a repository that holds .GIT/config itself is refused when it is fetched", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const cwd = lab.remotePath();
  const blob = lab.git(["rev-parse", "main:a.txt"], { cwd });
  const inner = lab.git(["mktree"], { cwd, input: `100644 blob ${blob}\tconfig\n` });
  const tree = lab.git(["mktree"], { cwd, input: `040000 tree ${inner}\t.GIT\n` });
  const commit = lab.git(["commit-tree", tree, "-m", "Evil"], { cwd });
  lab.git(["update-ref", "refs/heads/main", commit], { cwd });
  await expect(lab.clone(url)).rejects.toMatchObject({
    failure: { reason: "clone-failed", hint: expect.stringContaining("git refuses") },
  });
});

test("RP-006: a submodule is left as it is and never fetched", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const sha = "1".repeat(40);
  lab.commitEntry(`160000 ${sha}\tsub`);
  const run = await lab.clone(url);
  expect(readdirSync(join(run.workspace.treePath, "sub"))).toEqual([]);
  writeFileSync(join(run.workspace.treePath, "a.txt"), "b\n");
  const { treeSha } = await lab.collect(run);
  expect(lab.readTree(run.base.mirrorPath, treeSha).get("sub")).toBe(`160000 ${sha}`);
});

test("a second run fetches into the same mirror, and sees what was pushed in between", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const first = await lab.clone(url);
  lab.commitFile("a.txt", { content: "b\n" });
  const second = await lab.clone(url);
  expect(second.base.mirrorPath).toBe(first.base.mirrorPath);
  expect(second.base.sha).not.toBe(first.base.sha);
  expect(readdirSync(lab.mirrorRoot)).toEqual([basename(first.base.mirrorPath)]);
});

test("a branch that was rewritten on the remote is taken as it is now", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  await lab.clone(url);
  lab.rewriteHistory();
  const { base } = await lab.clone(url);
  expect(base.sha).toBe(lab.git(["rev-parse", "main"], { cwd: lab.remotePath() }));
});

test("six runs at once on one mirror that does not exist yet, on two branches, all get their commit", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  lab.addCommits(60);
  lab.git(["branch", "other", "main~30"], { cwd: lab.remotePath() });
  const refs = ["main", "other", "main", "other", "main", "other"];
  const runs = await Promise.all(refs.map((baseRef) => lab.clone(url, { baseRef })));
  for (const [at, { base, workspace }] of runs.entries()) {
    expect(base.sha).toBe(lab.git(["rev-parse", refs[at] ?? ""], { cwd: lab.remotePath() }));
    expect(lab.git(["fsck", "--full"], { cwd: workspace.treePath })).toBe("");
    expect(lab.git(["log", "--format=%s", "-1"], { cwd: workspace.treePath })).not.toBe("");
  }
});

test("locks that a killed process left behind do not stop the next run", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  lab.addCommits(60);
  const { base } = await lab.clone(url);
  writeFileSync(`${base.mirrorPath}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
  writeFileSync(join(base.mirrorPath, "shallow.lock"), "");
  lab.commitFile("a.txt", { content: "b\n" });
  const { workspace } = await lab.clone(url);
  expect(readFileSync(join(workspace.treePath, "a.txt"), "utf8")).toBe("b\n");
});

test("an aborted clone rejects with the signal's reason and leaves no lock", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const controller = new AbortController();
  const reason = new Error("cancelled by a person");
  const clone = lab.clone(url, { signal: controller.signal });
  await sleep(5);
  controller.abort(reason);
  await expect(clone).rejects.toBe(reason);
  expect(existsSync(`${toMirrorPath(url, { mirrorRoot: lab.mirrorRoot })}.lock`)).toBe(false);
  await lab.clone(url);
});

test("what an earlier, cut attempt left in the tree is gone after the clone, and the folder is the same one", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "a\n" });
  const { workspace, base } = await lab.clone(url);
  const before = statSync(workspace.treePath).ino;
  mkdirSync(join(workspace.treePath, "half"));
  writeFileSync(join(workspace.treePath, "half/done"), "x");
  const again = await lab.clone(url, { workspace });
  expect(readdirSync(workspace.treePath).toSorted()).toEqual([".git", "a.txt"]);
  expect(statSync(workspace.treePath).ino).toBe(before);
  expect(again.base).toEqual(base);
});

test("everything in the tree belongs to the container's user, links included", async () => {
  await using lab = new Lab();
  const uid = process.getuid?.() ?? 0;
  const owner = uid === 0 ? { uid: 10_001, gid: 10_001 } : { uid, gid: process.getgid?.() ?? 0 };
  const url = lab.createRemote({ "dir/a.txt": "a\n", out: { link: "dir/a.txt" } });
  const { workspace } = await lab.clone(url, { owner });
  const paths = readdirSync(workspace.treePath, { recursive: true, encoding: "utf8" });
  expect(paths).toContain(join(".git", "HEAD"));
  for (const path of ["", ...paths]) {
    const found = lstatSync(join(workspace.treePath, path));
    expect([path, found.uid, found.gid]).toEqual([path, owner.uid, owner.gid]);
  }
  expect(lstatSync(workspace.inputPath).uid).toBe(uid);
});

test("an address with a password or of another kind is refused, and not repeated", async () => {
  await using lab = new Lab();
  expect(await failure(lab.clone("https://x:hunter2secret@example.com/o/r"))).toMatch(/^clone-failed: (?!.*hunter2)/);
  expect(await failure(lab.clone("ext::sh -c touch% x"))).toMatch(/^clone-failed/);
  expect(await failure(lab.clone("ssh://git@example.com/o/r"))).toMatch(/^clone-failed/);
});

test("mirrors of different addresses never share a folder, and every name is safe as a path", () => {
  const urls = [
    "https://github.com/octo/hello",
    "https://github.com/octo/hello.git",
    "https://github.com/octo-hello",
    "https://github.com:8443/octo/hello",
    "http://github.com/octo/hello",
    "file:///srv/octo/hello",
    "file:///srv/../srv/other/hello",
    "https://github.com/..%2f..%2fetc/passwd",
    `https://github.com/${"a".repeat(300)}/b`,
  ];
  const paths = urls.map((url) => toMirrorPath(url, { mirrorRoot: "/mirrors" }));
  expect(new Set(paths).size).toBe(urls.length);
  for (const path of paths) expect(path).toMatch(/^\/mirrors\/[A-Za-z0-9-]{1,97}\.git$/);
});
