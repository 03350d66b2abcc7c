import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseOwner } from "../../src/container/container-spec.ts";
import { findRunImage } from "../../src/container/run-image.ts";
import { createMask } from "../../src/masking/mask.ts";
import { DetachedError } from "../../src/run/detached.ts";
import { RunError } from "../../src/run/failure.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { RunRules } from "../../src/run/rules.ts";
import { verifyWork, type VerifyEnd, type VerifyWorkOptions } from "../../src/repo-commands/verify-work.ts";
import { createSetUpCounts } from "../../src/set-up/set-up-counts.ts";
import { readColours } from "../../src/store/log-colours.ts";
import { toLocalFile } from "../../src/store/page.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { openWorkspace, type Workspace } from "../../src/workspace/workspace.ts";
import { createTestEngine, image } from "../container/container-fixture.ts";
import { createRequest } from "../helpers/requests.ts";

const engine = createTestEngine();
const user = chooseOwner({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
let folder: string;
let paths: StatePaths;
let request: RunRequest;
let workspace: Workspace;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commands-"));
  paths = toStatePaths(folder);
  request = createRequest();
  await makeStateFolders(paths);
  await mkdir(paths.runFolder(request.run_id));
  workspace = await openWorkspace(request.run_id, { workRoot: paths.work });
  await own(workspace.treePath);
});
afterEach(async () => {
  expect(await engine.listRunContainers({ instanceId: paths.instance })).toEqual([]);
  await workspace[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function own(path: string): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, user.uid, user.gid);
}

/** A file that the agent left. */
async function leave(name: string, content: string): Promise<string> {
  const path = join(workspace.treePath, name);
  await writeFile(path, content);
  await own(path);
  return path;
}

function verify(commands: string[], changes: Partial<VerifyWorkOptions> = {}): Promise<VerifyEnd> {
  const verified = { ...request, rules: RunRules.parse({ verify: commands }) };
  return verifyWork(verified, {
    ...{
      engine,
      workspace,
      paths,
      mask: createMask(["top-secret-value"]),
      attempt: 1,
      timeoutMs: 60_000,
      onCommand: () => {},
      setUps: createSetUpCounts(),
    },
    settings: {
      findImage: () => findRunImage(engine, { image, standard: image }),
      ...{ egressAllow: [], runtime: null, user, diskReserveBytes: 0 },
      limits: { memoryBytes: 256 * 2 ** 20, cpus: 1, pids: 64, diskBytes: 64 * 2 ** 20 },
      toEnginePath: async (path) => path,
    },
    signals: { cancel: new AbortController().signal, detach: new AbortController().signal },
    ...changes,
  });
}

const readLog = () => readFile(join(paths.runFolder(request.run_id), "log.txt"), "utf8");
const failed = (end: VerifyEnd) => (end.kind === "failed" ? end : null);

test("commands run one after the other on a copy, and each shell ends at the first line that fails", async () => {
  await leave("a.txt", "a\n");
  await symlink("a.txt", join(workspace.treePath, "link"));
  const end = await verify(["cat link && echo more >> a.txt", "cat a.txt", "false\necho NOT-REACHED", "echo never"]);
  expect(end).toMatchObject({ kind: "failed", passed: 2, failure: { how: "ended with exit code 1", lastLines: "" } });
  expect(failed(end)?.failure.command).toBe("false\necho NOT-REACHED");
  expect(await readFile(join(workspace.treePath, "a.txt"), "utf8")).toBe("a\n");
  expect(await readLog()).toBe(
    [
      ...["[verify] $ cat link && echo more >> a.txt", "a", "[verify] $ cat a.txt", "a", "more"],
      ...["[verify] $ false", "echo NOT-REACHED", "(exit code 1)", ""],
    ].join("\n"),
  );
  expect(await verify(["true"])).toEqual({ kind: "passed" });
});

test("the log of commands is plain, its colours stand beside it, and none goes on into the next command", async () => {
  await verify(["printf 'a \\033[31mred\\nand\\033[0m b \\033[32mx\\n'", "echo y"]);
  const log = await readLog();
  expect(log).not.toContain("\u001b");
  expect(log).toMatch(/\na red\nand b x\n\[verify\] \$ echo y\ny\n$/);
  const spans = await readColours(toLocalFile(toRunFile(paths, { runId: request.run_id, file: "colours" })), {
    from: 0,
    to: log.length,
  });
  expect(spans.map(({ from, to, style }) => [log.slice(from, to), style.color])).toEqual([
    ["red", 1],
    ["and", 1],
    ["x", 2],
  ]);
});

test("a program that is not there, and one that is killed, fail as commands do", async () => {
  expect(failed(await verify(["no-such-program"]))?.failure).toMatchObject({
    how: "ended with exit code 127",
    lastLines: expect.stringContaining("not found"),
  });
  expect(failed(await verify(["kill -9 $$"]))?.failure.how).toBe("ended with exit code 137");
  expect(failed(await verify(["kill -9 $PPID; sleep 5"]))?.failure.how).toMatch(/^ended with exit code \d+$/);
});

test("what a flood printed last is told, without secrets and control characters, and its log is bounded", async () => {
  const flood =
    "seq 1 200000; printf 'x\\033[31mtop-secret-value\\007\\n'; head -c 200000 /dev/zero | tr '\\0' y; exit 2";
  const lastLines = failed(await verify([flood]))?.failure.lastLines ?? "";
  expect(lastLines).toContain("199999\n200000\nx***");
  expect(lastLines).not.toMatch(/top-secret|\u001b|\u0007/);
  expect(lastLines.length).toBeLessThan(7_000);
  expect(await readLog()).toContain("[a line of 200000 bytes was left out]");
});

test("a mark that a command makes up is none, and one that it found out cannot make a failure pass", async () => {
  const forge = `echo 'codex-orchestrator:made-up 1 0'; mark=$(tr '\\0' '\\n' </proc/$PPID/cmdline | grep ^codex-orchestrator:); echo "$mark 9 0"; exit 7`;
  const end = await verify([forge, "true"]);
  expect(end).toMatchObject({ kind: "failed", passed: 0, failure: { how: "ended with exit code 7" } });
});

test("what takes too long, too much disk or too much memory is stopped, and said", async () => {
  const slow = await verify(["echo BEGUN; sleep 60"], { timeoutMs: 2_000 });
  expect(failed(slow)?.failure).toMatchObject({
    how: "did not end within 2.0 s, the time that was left",
    lastLines: "BEGUN",
  });
  const full = await verify(["head -c 300000000 /dev/zero > big; sleep 30"]);
  expect(failed(full)?.failure.how).toBe("filled the run's share of the disk");
  const hungry = await verify([`node -e 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 24, 1))'`]);
  expect(failed(hungry)?.failure.how).toBe("used more memory than a run may");
});

test("a workspace that cannot be copied is a failure of the checks", async () => {
  await chmod(await leave("secret.txt", "x"), 0o000);
  expect(failed(await verify(["true"]))).toMatchObject({
    passed: 0,
    failure: {
      how: "could not be started: the workspace could not be copied for it",
      lastLines: expect.stringContaining("secret.txt"),
    },
  });
});

test("an engine that cannot do its part says nothing about the work", async () => {
  const end = await verify(["true"], {
    engine: { ...engine, createContainer: () => Promise.reject(new RunError("docker-unavailable", "No engine.")) },
  });
  expect(end).toEqual({
    kind: "not-run",
    failure: { command: "true", how: "could not be run", lastLines: "No engine." },
  });
});

test("cancelling ends it, and letting go rejects; no container is left by either", async () => {
  const cancel = AbortSignal.timeout(1_500);
  const never = new AbortController().signal;
  expect(await verify(["sleep 60"], { signals: { cancel, detach: never } })).toEqual({ kind: "cancelled" });
  const detach = AbortSignal.timeout(1_500);
  await expect(verify(["sleep 60"], { signals: { cancel: never, detach } })).rejects.toBeInstanceOf(DetachedError);
});
