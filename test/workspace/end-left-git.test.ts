import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { discardWorkspace } from "../../src/workspace/reopen-workspace.ts";

const folder = mkdtempSync(join(tmpdir(), "left-git-"));
const runId = createRunId();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The state folder of a process of the product, with a mirror in which a git works on the run. */
async function startGit(name: string): Promise<{ workRoot: string; child: ChildProcess }> {
  const mirrorPath = join(folder, name, "mirrors", "one.git");
  mkdirSync(mirrorPath, { recursive: true });
  execFileSync("git", ["init", "--quiet", "--bare", mirrorPath]);
  const args = ["-c", `run.id=${runId}`, "cat-file", "--batch-check"];
  const child = spawn("git", args, { cwd: mirrorPath, stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
  child.stdin.write("HEAD\n");
  await once(child.stdout, "data");
  return { workRoot: join(folder, name, "work"), child };
}

test("git that works on the run from other folders, as who took it over does, is left alone", async () => {
  const [here, there] = await Promise.all([startGit("here"), startGit("there")]);
  symlinkSync(join(folder, "here"), join(folder, "link"));
  const ended = once(here.child, "exit");
  await discardWorkspace(runId, { workRoot: join(folder, "link", "work") });
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect([there.child.exitCode, there.child.signalCode]).toEqual([null, null]);
});
