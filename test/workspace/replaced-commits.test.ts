import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Lab, toLines } from "./lab.ts";

test("RP-017: a replacement that the repository has is not honoured", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "honest\n" });
  const honest = lab.git(["rev-parse", "main:a.txt"], { cwd: lab.remotePath() });
  const forged = lab.git(["hash-object", "-w", "--stdin"], { cwd: lab.remotePath(), input: "forged\n" });
  lab.git(["replace", honest, forged], { cwd: lab.remotePath() });
  const { workspace } = await lab.clone(url);
  expect(readFileSync(join(workspace.treePath, "a.txt"), "utf8")).toBe("honest\n");
});

test("RP-017: nor are replaced files and grafted commits that stand in our own mirror", async () => {
  await using lab = new Lab();
  const url = lab.createRemote({ "a.txt": "honest\n" });
  const { base } = await lab.clone(url);
  const cwd = base.mirrorPath;
  const blob = lab.git(["hash-object", "-w", "--stdin"], { cwd, input: "forged\n" });
  const honest = lab.git(["rev-parse", `${base.sha}:a.txt`], { cwd });
  const tree = lab.git(["mktree"], { cwd, input: `100644 blob ${blob}\ta.txt\n` });
  const graft = lab.git(["-c", "user.name=x", "-c", "user.email=x@example.com", "commit-tree", tree, "-m", "x"], {
    cwd,
  });
  lab.git(["update-ref", `refs/replace/${honest}`, blob], { cwd });
  lab.git(["update-ref", `refs/replace/${base.sha}`, graft], { cwd });
  expect(lab.git(["cat-file", "blob", honest], { cwd })).toBe("forged");

  const run = await lab.clone(url);
  expect(run.base).toMatchObject({ sha: base.sha, mirrorPath: cwd });
  expect(readFileSync(join(run.workspace.treePath, "a.txt"), "utf8")).toBe("honest\n");
  writeFileSync(join(run.workspace.treePath, "b.txt"), "new\n");
  expect(toLines(await lab.collect(run))).toEqual(["added b.txt 100644"]);
});
