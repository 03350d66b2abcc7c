import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Lab } from "./lab.ts";

/** A remote whose pull request 7 from a fork, under no branch of its own, was changed twice; oldest commit first. */
function createPulls(lab: Lab) {
  const url = lab.createRemote({ "a.txt": "main\n" });
  const cwd = lab.remotePath();
  const commit = (text: string): string => {
    const blob = lab.git(["hash-object", "-w", "--stdin"], { cwd, input: text });
    const tree = lab.git(["mktree"], { cwd, input: `100644 blob ${blob}\ta.txt\n` });
    return lab.git(["commit-tree", tree, "-p", "main", "-m", text], { cwd });
  };
  const move = (ref: string, sha: string): string => lab.git(["update-ref", ref, sha], { cwd });
  lab.git(["config", "uploadpack.allowAnySHA1InWant", "true"], { cwd });
  return { url, cwd, move, first: commit("first\n"), second: commit("second\n") };
}

const readText = (treePath: string): string => readFileSync(join(treePath, "a.txt"), "utf8");

test("the head of a pull request from a fork is checked out, and the mirror keeps no ref of it", async () => {
  await using lab = new Lab();
  const { url, move, first } = createPulls(lab);
  move("refs/pull/7/head", first);
  const pull = { number: 7, sha: first, source: "pull" } as const;
  const { workspace, base } = await lab.clone(url, { baseRef: "main", pull });
  expect(readText(workspace.treePath)).toBe("first\n");
  expect(base).toMatchObject({ ref: "pull/7", sha: first });
  expect(lab.git(["status", "--porcelain", "--branch"], { cwd: workspace.treePath })).toBe("## pull/7");
  expect(lab.git(["for-each-ref", "--format=%(refname)"], { cwd: base.mirrorPath })).toBe(
    `refs/orch/${workspace.runId}`,
  );
});

test.each([
  ["a fork's", { source: "pull", ref: "refs/pull/7/head" }],
  ["a branch", { source: "branch", ref: "refs/heads/feature" }],
] as const)("what is read is what stood there, also when %s head has moved since", async (_, { source, ref }) => {
  await using lab = new Lab();
  const { url, move, first, second } = createPulls(lab);
  move(ref, second);
  const { workspace, base } = await lab.clone(url, { baseRef: "feature", pull: { number: 7, sha: first, source } });
  expect(readText(workspace.treePath)).toBe("first\n");
  expect(base).toMatchObject({ ref: source === "pull" ? "pull/7" : "feature", sha: first });
});

test("a branch that is gone does not matter while its commit can be had; then the run says that it is gone", async () => {
  await using lab = new Lab();
  const { url, cwd, first } = createPulls(lab);
  const pull = { number: 7, sha: first, source: "branch" } as const;
  const { workspace } = await lab.clone(url, { baseRef: "feature", pull });
  expect(readText(workspace.treePath)).toBe("first\n");
  lab.git(["config", "uploadpack.allowAnySHA1InWant", "false"], { cwd });
  const gone = { ...pull, sha: "1".repeat(40) };
  await expect(lab.clone(url, { baseRef: "feature", pull: gone })).rejects.toMatchObject({
    failure: { reason: "base-missing", message: expect.stringContaining("pull request #7") },
  });
});
