import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openIgnoreRules } from "../../src/workspace/ignore-rules.ts";
import { Lab, at, toLines } from "./lab.ts";

test("new files that the tree's .gitignore names are not taken, tracked ones are, and new rules of the agent count", async () => {
  await using lab = new Lab();
  const run = await lab.clone(
    lab.createRemote({
      ".gitignore": "node_modules/\n*.log\n!keep.log\n/only-root\n",
      "dist/tracked.js": "1\n",
      "dist/.gitignore": "*\n",
      "pkg/a.txt": "a\n",
    }),
  );
  mkdirSync(at(run, "node_modules/left-pad"), { recursive: true });
  writeFileSync(at(run, "node_modules/left-pad/index.js"), "x");
  mkdirSync(at(run, "pkg/node_modules"));
  writeFileSync(at(run, "pkg/node_modules/x"), "x");
  writeFileSync(at(run, "a.log"), "x");
  writeFileSync(at(run, "keep.log"), "x");
  writeFileSync(at(run, "only-root"), "x");
  writeFileSync(at(run, "pkg/only-root"), "x");
  writeFileSync(at(run, "dist/tracked.js"), "2\n");
  writeFileSync(at(run, "dist/new.js"), "x");
  mkdirSync(at(run, "fresh/deep/out"), { recursive: true });
  writeFileSync(at(run, "fresh/.gitignore"), "out/\n");
  writeFileSync(at(run, "fresh/deep/a"), "x");
  writeFileSync(at(run, "fresh/deep/out/b"), "x");
  // A file where the pattern means folders only.
  writeFileSync(at(run, "fresh/node_modules"), "x");
  expect(toLines(await lab.collect(run))).toEqual([
    "modified dist/tracked.js 100644",
    "added fresh/.gitignore 100644",
    "added fresh/deep/a 100644",
    "added fresh/node_modules 100644",
    "added keep.log 100644",
    "added pkg/only-root 100644",
  ]);
});

test("a .gitignore that is a link or a pipe is not followed", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n", "rules.txt": "*.secret\n" }));
  symlinkSync("rules.txt", at(run, ".gitignore"));
  mkdirSync(at(run, "sub"));
  execFileSync("mkfifo", [at(run, "sub/.gitignore")]);
  writeFileSync(at(run, "sub/x.secret"), "x");
  const collected = await lab.collect(run);
  expect(toLines(collected)).toEqual(["added sub/x.secret 100644"]);
  expect(collected.leftOut).toEqual([
    { path: ".gitignore", why: "is a link in place of a file that git reads" },
    { path: "sub/.gitignore", why: "is a pipe" },
  ]);
});

test("an ignored folder is not looked into, however much is in it", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ ".gitignore": "node_modules/\n", "a.txt": "a\n" }));
  mkdirSync(at(run, "node_modules"));
  for (let i = 0; i < 2_000; i++) writeFileSync(at(run, `node_modules/${i}`), "");
  writeFileSync(at(run, "a.txt"), "b\n");
  expect(toLines(await lab.collect(run, { limits: { walkedEntries: 10 } }))).toEqual(["modified a.txt 100644"]);
});

test("a .gitignore that its owner may not read holds, and fails no run of a server without root", async () => {
  await using lab = new Lab();
  const run = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(at(run, ".gitignore"), "ignored\n");
  writeFileSync(at(run, "ignored"), "x");
  chmodSync(at(run, ".gitignore"), 0);
  const { workspace, base } = run;
  const rules = await openIgnoreRules({
    ...{ treePath: workspace.treePath, mirrorPath: base.mirrorPath, signal: undefined },
    scratchPath: `${workspace.rootPath}/rules`,
  });
  rules.note(".gitignore", lstatSync(at(run, ".gitignore"), { bigint: true }));
  expect(await rules.ask(["ignored", "b.txt"])).toEqual(new Set(["ignored"]));
  // Root may read anything; anybody else needs this.
  expect(lstatSync(at(run, ".gitignore")).mode & 0o400).toBe(0o400);
});

test("patterns that git ponders over for long hold a run up once for all its questions, not at each", async () => {
  await using lab = new Lab();
  const { workspace, base } = await lab.clone(lab.createRemote({ "a.txt": "a\n" }));
  writeFileSync(`${workspace.treePath}/.gitignore`, "ignored\n");
  const rules = await openIgnoreRules({
    ...{ treePath: workspace.treePath, mirrorPath: base.mirrorPath, signal: undefined },
    ...{ scratchPath: `${workspace.rootPath}/rules`, ponderMs: 400 },
  });
  rules.note(".gitignore", lstatSync(`${workspace.treePath}/.gitignore`, { bigint: true }));
  // Each question starts a git, which takes a millisecond at the least.
  const askOften = async () => {
    for (let index = 0; index < 400; index++) await rules.ask(["ignored"]);
  };
  await expect(askOften()).rejects.toMatchObject({ failure: { reason: "patch-too-large" } });
});
