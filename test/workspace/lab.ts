import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRunId } from "../../src/run/id.ts";
import { applyPatch } from "../../src/workspace/apply-patch.ts";
import { cloneWorkspace } from "../../src/workspace/clone-workspace.ts";
import type { Base, CloneWorkspaceOptions } from "../../src/workspace/clone-workspace.ts";
import { collectChanges } from "../../src/workspace/collect-changes.ts";
import type { Collected, CollectChangesOptions } from "../../src/workspace/collect-changes.ts";
import { removeTree } from "../../src/workspace/remove-tree.ts";
import { openWorkspace } from "../../src/workspace/workspace.ts";
import type { Workspace } from "../../src/workspace/workspace.ts";

/** What a path is in a repository made for a test: a text, bytes, a program, or a link. */
export type TestFile = string | Buffer | { program: string } | { link: string };

const PERSON = {
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "ann@example.com",
  GIT_AUTHOR_DATE: "1700000000 +0000",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "ann@example.com",
  GIT_COMMITTER_DATE: "1700000000 +0000",
};

type GitCall = { cwd?: string; input?: string | Buffer; env?: Record<string, string> };

export type TestRun = { workspace: Workspace; base: Base; patchPath: string };

/** A folder for one test: remote repositories, the product's state folders, and runs in them. Disposing removes all. */
export class Lab implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), "orch-"));
  readonly mirrorRoot = join(this.path, "state", "mirrors");
  readonly workRoot = join(this.path, "state", "work");
  readonly #open: Workspace[] = [];

  /** Runs git as a person would, without this machine's settings. */
  git(args: string[], { cwd = this.path, input, env }: GitCall = {}): string {
    return execFileSync("git", ["-c", "safe.directory=*", ...args], {
      cwd,
      input,
      stdio: ["pipe", "pipe", "pipe"],
      maxBuffer: 2 ** 28,
      env: { PATH: process.env["PATH"], HOME: this.path, GIT_CONFIG_NOSYSTEM: "1", ...PERSON, ...env },
    })
      .toString("utf8")
      .trimEnd();
  }

  /** Makes a repository with one commit on `main`, as a bare remote, and returns its address. */
  createRemote(files: Record<string, TestFile>, { name = "remote" }: { name?: string } = {}): string {
    const source = join(this.path, `${name}-source`);
    this.git(["init", "--quiet", "--initial-branch=main", source]);
    for (const [path, file] of Object.entries(files)) writeTestFile(join(source, path), file);
    this.git(["add", "--all", "--force"], { cwd: source });
    this.git(["commit", "--quiet", "--allow-empty", "-m", "Base"], { cwd: source });
    return this.publish(source, { name });
  }

  /** Makes a bare remote of a repository. */
  publish(source: string, { name = "remote" }: { name?: string } = {}): string {
    const bare = join(this.path, "remotes", `${name}.git`);
    this.git(["clone", "--quiet", "--bare", source, bare]);
    return pathToFileURL(bare).href;
  }

  /** The remote that `createRemote()` made. */
  remotePath(name = "remote"): string {
    return join(this.path, "remotes", `${name}.git`);
  }

  createEmptyRemote({ name = "empty", objectFormat = "sha1" } = {}): string {
    const path = this.remotePath(name);
    this.git(["init", "--quiet", "--bare", "--initial-branch=main", `--object-format=${objectFormat}`, path]);
    return pathToFileURL(path).href;
  }

  /** Adds empty commits to the remote's `main`. */
  addCommits(count: number): void {
    const commits = Array.from(
      { length: count },
      (_, at) =>
        `commit refs/heads/main\ncommitter Ann <ann@example.com> ${1_700_000_001 + at} +0000\ndata 1\n${at % 10}\n` +
        (at === 0 ? "from refs/heads/main^0\n" : ""),
    );
    this.git(["fast-import", "--quiet"], { cwd: this.remotePath(), input: commits.join("\n") });
  }

  /** Commits one more file to the remote's `main`, byte for byte. */
  commitFile(path: string, { content }: { content: string | Buffer }): void {
    const oid = this.git(["hash-object", "-w", "--no-filters", "--stdin"], { cwd: this.remotePath(), input: content });
    this.commitEntry(`100644 ${oid}\t${path}`);
  }

  /** Commits one more entry (`mode oid TAB path`) to the remote's `main`, whatever git thinks of it. */
  commitEntry(entry: string): void {
    const cwd = this.remotePath();
    const index = { GIT_INDEX_FILE: join(this.path, "remote-index") };
    this.git(["read-tree", "main"], { cwd, env: index });
    this.git(["update-index", "-z", "--index-info"], { cwd, env: index, input: `${entry}\0` });
    const tree = this.git(["write-tree", "--missing-ok"], { cwd, env: index });
    const commit = this.git(["commit-tree", tree, "-p", "main", "-m", "More"], { cwd });
    this.git(["update-ref", "refs/heads/main", commit], { cwd });
  }

  /** Replaces the remote's `main` by a commit without history. */
  rewriteHistory(): void {
    const cwd = this.remotePath();
    const commit = this.git(["commit-tree", "main^{tree}", "-m", "Another history"], { cwd });
    this.git(["update-ref", "refs/heads/main", commit], { cwd });
  }

  /** Pushes a first commit to an empty remote of any object format. */
  pushCommit(url: string): void {
    const format = this.git(["rev-parse", "--show-object-format"], { cwd: fileURLToPath(url) });
    const source = join(this.path, "first");
    this.git(["init", "--quiet", "--initial-branch=main", `--object-format=${format}`, source]);
    this.git(["commit", "--quiet", "--allow-empty", "-m", "First"], { cwd: source });
    this.git(["push", "--quiet", url, "main"], { cwd: source });
  }

  async clone(
    url: string,
    { workspace: given, ...options }: Partial<CloneWorkspaceOptions> & { workspace?: Workspace } = {},
  ): Promise<TestRun> {
    const workspace = given ?? (await openWorkspace(createRunId(), { workRoot: this.workRoot }));
    if (given === undefined) this.#open.push(workspace);
    const base = await cloneWorkspace(workspace, {
      url,
      baseRef: "main",
      credential: null,
      mirrorRoot: this.mirrorRoot,
      owner: null,
      signal: new AbortController().signal,
      ...options,
    });
    return { workspace, base, patchPath: join(workspace.rootPath, "..", `${workspace.runId}.patch`) };
  }

  async collect(
    { workspace, base, patchPath }: TestRun,
    options: Partial<CollectChangesOptions> = {},
  ): Promise<Collected> {
    return collectChanges(workspace, { base, patchPath, ...options });
  }

  /** As `git()`, for a call that may fail, without blocking this process's own servers. */
  async tryGit(args: string[], { cwd = this.path }: GitCall = {}): Promise<void> {
    const child = spawn("git", args, { cwd, stdio: "ignore", env: { PATH: process.env["PATH"], HOME: this.path } });
    await once(child, "close");
  }

  /** A program that leaves a file when it runs. */
  createCanaryProgram(): { program: string; canaryPath: string } {
    const program = join(this.path, "canary-program");
    const canaryPath = join(this.path, "canary-ran");
    writeFileSync(program, `#!/bin/sh\ntouch ${canaryPath}\ncat\n`);
    chmodSync(program, 0o755);
    return { program, canaryPath };
  }

  /** A repository of somebody else on the same host, with a secret in its tree and its objects. */
  createTenant(secret: string): string {
    const path = join(this.path, "tenant");
    this.git(["init", "--quiet", "--initial-branch=main", path]);
    writeFileSync(join(path, "secret.txt"), secret);
    this.git(["add", "--all"], { cwd: path });
    this.git(["commit", "--quiet", "-m", "Secret"], { cwd: path });
    return path;
  }

  write(path: string, content: string): void {
    writeTestFile(path, content);
  }

  /** Every regular file below a folder. */
  listFiles(folder: string): string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  }

  /** Makes an empty file. */
  touch(path: string): string {
    writeFileSync(path, "");
    return path;
  }

  /** Leaves a socket that nobody listens on any more. */
  async leaveSocket(path: string): Promise<void> {
    const link = join(this.path, "s");
    symlinkSync(dirname(path), link);
    const script = `process.chdir(${JSON.stringify(link)});require("net").createServer().listen(${JSON.stringify(basename(path))},()=>process.kill(process.pid,"SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    unlinkSync(link);
  }

  /** Makes folders below each other, deeper than a path may be long, with a file in the innermost. */
  makeDeep(root: string, { names, file }: { names: string[]; file: string }): void {
    const script = `cd "$0" || exit 1; for name; do mkdir "$name" && cd "$name" || exit 1; done; : > ${file}`;
    execFileSync("bash", ["-c", script, root, ...names], { stdio: "pipe" });
  }

  /** Every path of a commit or tree in a repository, with mode and content. */
  readTree(repository: string, revision: string): Map<string, string> {
    const list = this.git(["--git-dir", repository, "ls-tree", "-r", "-z", "--full-tree", revision]);
    const entries = list.split("\0").filter((line) => line !== "");
    return new Map(
      entries.map((line) => {
        const [mode = "", type = "", rest = ""] = line.split(" ");
        const [oid = "", path = ""] = rest.split("\t");
        const content = type === "blob" ? this.git(["--git-dir", repository, "cat-file", "blob", oid]) : oid;
        return [path, `${mode} ${content}`];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const workspace of this.#open) if (existsSync(workspace.rootPath)) await workspace[Symbol.asyncDispose]();
    await removeTree(this.path);
  }
}

export function writeTestFile(path: string, file: TestFile): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof file === "string" || Buffer.isBuffer(file)) return writeFileSync(path, file);
  if ("link" in file) return symlinkSync(file.link, path);
  writeFileSync(path, file.program);
  chmodSync(path, 0o755);
}

/** The changes as `kind path` lines, for a glance. */
export function toLines({ changes }: Collected): string[] {
  return changes.map(({ kind, path, mode }) => `${kind} ${path.toString("utf8")}${mode === null ? "" : ` ${mode}`}`);
}

export function readPatch({ patchPath }: TestRun): string {
  return readFileSync(patchPath, "latin1");
}

/** Where a path lies in the run's tree. */
export function at({ workspace }: TestRun, path: string): string {
  return join(workspace.treePath, path);
}

/** The tree that the run's patch makes of its base. */
export async function replay(lab: Lab, { base, patchPath }: TestRun): Promise<string> {
  const { mirrorPath, sha } = base;
  return (await applyPatch({ mirrorPath, baseSha: sha, patchPath, indexPath: join(lab.path, "replay-index") })).treeSha;
}
