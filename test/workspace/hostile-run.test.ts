import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createGit, runGit } from "../../src/git/git.ts";
import type { GitCredential } from "../../src/git/git.ts";
import { openCanary, openGitHost } from "./git-host.ts";
import { vectors } from "./hostile-vectors.ts";
import { Lab } from "./lab.ts";
import type { TestFile, TestRun } from "./lab.ts";

const BASE: Record<string, TestFile> = { "README.md": "hello\n", "src/a.txt": "a\n", "old.txt": "old\n" };
const credential = { authorization: `Basic ${Buffer.from("x-access-token:canary-token").toString("base64")}` };

/** Commits and pushes as the publishing stage does, with the token, to a real git server. */
async function publish({ base }: TestRun, options: { treeSha: string; url: string; credential: GitCredential }) {
  const person = { name: "bot", email: "bot@example.com", date: "1700000000 +0000" };
  const { stdout } = await runGit(["commit-tree", options.treeSha, "-p", base.sha, "-m", "Run"], {
    gitDir: base.mirrorPath,
    identity: { author: person, committer: person },
  });
  const git = createGit({ gitDir: base.mirrorPath, credential: options.credential, protocols: ["http"] });
  await git.raw(["push", "--", options.url, `${stdout.toString("utf8").trim()}:refs/heads/codex/run`]);
}

test.each(vectors)("$title: the host runs, follows and believes none of it", async ({ plant, adds = [] }) => {
  await using lab = new Lab();
  await using canary = await openCanary();
  await using host = await openGitHost(join(lab.path, "remotes"), credential);
  lab.createRemote(BASE);
  lab.commitEntry(`160000 ${"1".repeat(40)}\tmodule`);
  const tenantPath = lab.createTenant("CANARY of another tenant\n");
  const { program, canaryPath } = lab.createCanaryProgram();

  const url = `${host.url}/remote.git`;
  const access = { origin: host.url, ...credential };
  const run = await lab.clone(url, { credential: access });
  const { treePath } = run.workspace;
  writeFileSync(join(treePath, "README.md"), "changed\n");
  writeFileSync(join(treePath, "new.txt"), "new\n");
  rmSync(join(treePath, "old.txt"));
  plant({
    treePath,
    tenantPath,
    program,
    canaryUrl: canary.url,
    config: (text) => appendFileSync(join(treePath, ".git/config"), text),
    write: (path, content) => lab.write(join(treePath, path), content),
  });

  const collected = await lab.collect(run);
  await publish(run, { treeSha: collected.treeSha, url, credential: access });

  expect(existsSync(canaryPath)).toBe(false);
  expect(canary.requests).toEqual([]);
  const pushed = lab.readTree(lab.remotePath(), "codex/run");
  expect([...pushed.keys()]).toEqual([...adds, "README.md", "module", "new.txt", "src/a.txt"].toSorted());
  expect(pushed.get("README.md")).toBe("100644 changed");
  expect(pushed.get("module")).toBe(`160000 ${"1".repeat(40)}`);
  expect([...pushed.values()].join("\n")).not.toContain("CANARY");
  expect(lab.git(["log", "--format=%s", "codex/run"], { cwd: lab.remotePath() })).toBe("Run\nMore\nBase");
  expect(new Set(host.authorizations)).toEqual(new Set([credential.authorization]));
});

test("the canaries are not blind: a git that trusts the tree runs the program and shows itself", async () => {
  await using lab = new Lab();
  await using canary = await openCanary();
  const run = await lab.clone(lab.createRemote(BASE));
  const { program, canaryPath } = lab.createCanaryProgram();
  const config = join(run.workspace.treePath, ".git/config");
  appendFileSync(config, `[core]\n\tfsmonitor = ${program}\n[url "${canary.url}/"]\n\tinsteadOf = https://\n`);
  lab.git(["status"], { cwd: run.workspace.treePath });
  expect(existsSync(canaryPath)).toBe(true);
  await lab.tryGit(["ls-remote", "https://example.com/x"], { cwd: run.workspace.treePath });
  expect(canary.requests).not.toEqual([]);
});

test("the token is in no file of the host while a run is prepared, collected and pushed", async () => {
  await using lab = new Lab();
  await using host = await openGitHost(join(lab.path, "remotes"), credential);
  lab.createRemote(BASE);
  const url = `${host.url}/remote.git`;
  const access = { origin: host.url, ...credential };
  const run = await lab.clone(url, { credential: access });
  writeFileSync(join(run.workspace.treePath, "new.txt"), "new\n");
  const { treeSha } = await lab.collect(run);
  await publish(run, { treeSha, url, credential: access });
  const words = [credential.authorization, "canary-token", credential.authorization.slice(6)];
  for (const path of lab.listFiles(join(lab.path, "state"))) {
    const text = readFileSync(path, "latin1");
    expect(words.filter((word) => text.includes(word))).toEqual([]);
  }
});

test("a wrong token is refused as such, without being repeated", async () => {
  await using lab = new Lab();
  await using host = await openGitHost(join(lab.path, "remotes"), credential);
  lab.createRemote(BASE);
  const authorization = `Basic ${Buffer.from("x-access-token:wrong-canary").toString("base64")}`;
  const clone = lab.clone(`${host.url}/remote.git`, { credential: { origin: host.url, authorization } });
  const error = await clone.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ failure: { reason: "clone-failed", hint: expect.stringContaining("token") } });
  expect(JSON.stringify(error)).not.toContain(authorization.slice(6));
});
