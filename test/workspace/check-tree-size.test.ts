import { statfsSync } from "node:fs";
import { expect, test } from "vitest";
import { checkTreeSize } from "../../src/workspace/check-tree-size.ts";
import { Lab } from "./lab.ts";

/** A repository of a few objects: folders that hold each other, ten times each, so many levels deep, and one file in the deepest. */
function createBomb(lab: Lab, { levels, content }: { levels: number; content: Buffer }): string {
  const url = lab.createRemote({ "a.txt": "a\n" });
  const cwd = new URL(url).pathname;
  const blob = lab.git(["hash-object", "-w", "--stdin"], { cwd, input: content });
  let entry = `100644 blob ${blob}`;
  for (let level = 0; level < levels; level++) {
    const input = Array.from({ length: 10 }, (_, index) => `${entry}\t${index}\n`).join("");
    entry = `040000 tree ${lab.git(["mktree"], { cwd, input })}`;
  }
  const commit = lab.git(["commit-tree", "-m", "bomb", entry.slice("040000 tree ".length)], { cwd });
  lab.git(["update-ref", "refs/heads/main", commit], { cwd });
  return url;
}

test("a commit of a few objects that stand for ten thousand million files is refused before the disk or the memory is full", async () => {
  await using lab = new Lab();
  const url = createBomb(lab, { levels: 10, content: Buffer.from("x") });
  await expect(lab.clone(url)).rejects.toMatchObject({
    failure: { reason: "clone-failed", message: expect.stringMatching(/^The commit holds more than 1,000,000 files/) },
  });
}, 120_000);

test("a commit whose files take more than the disk has is refused while it is written", async () => {
  await using lab = new Lab();
  const { bavail, bsize } = statfsSync(lab.path);
  const levels = 5;
  const content = Buffer.alloc(Math.ceil((bavail * bsize) / 10 ** levels) + 1);
  const url = createBomb(lab, { levels, content });
  await expect(lab.clone(url)).rejects.toMatchObject({
    failure: { reason: "disk-full", message: expect.stringMatching(/may be used on the disk of RUNS_PATH\.$/) },
  });
}, 120_000);

test("what is within the limits passes, and one file more does not", async () => {
  await using lab = new Lab();
  const { workspace, base } = await lab.clone(
    lab.createRemote({ "a.txt": "a\n", "b\nc\t1 2\td.txt": "", "e/f.txt": "f\n" }),
  );
  const check = (limits: { files: number; listBytes: number }) =>
    checkTreeSize(base.mirrorPath, {
      ...{ revision: base.sha, treePath: workspace.treePath, signal: AbortSignal.timeout(20_000), limits },
    });
  await check({ files: 3, listBytes: 1000 });
  await expect(check({ files: 2, listBytes: 1000 })).rejects.toMatchObject({ failure: { reason: "clone-failed" } });
  await expect(check({ files: 3, listBytes: 100 })).rejects.toMatchObject({ failure: { reason: "clone-failed" } });
});
