import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { publishChanges, type Published } from "../../src/publish/publish.ts";
import { restorePublication } from "../../src/orchestrator/restore-publication.ts";
import { RunError } from "../../src/run/failure.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { PublishLab, QUICK } from "../publish/publish-lab.ts";

const KEPT = {
  verification: null,
  summary: "Changed a file.",
  usage: null,
  codex: null,
  timings: { queued: null, cloning: null, running: 1, publishing: null },
};

let lab: PublishLab;
let paths: StatePaths;
beforeEach(async () => {
  lab = await PublishLab.open();
  paths = toStatePaths(join(lab.path, "another-machine"));
  await makeStateFolders(paths);
  const patchPath = toRunFile(paths, { runId: lab.request.run_id, file: "patch" });
  mkdirSync(dirname(patchPath), { recursive: true });
  const { treeSha } = lab.publication(lab.request);
  const args = ["--git-dir", lab.mirrorPath, "diff", "--binary", "--full-index", lab.base.sha, treeSha];
  writeFileSync(patchPath, execFileSync("git", args));
});
afterEach(async () => lab[Symbol.asyncDispose]());

async function publishElsewhere(attempt: "first" | "repeat"): Promise<Published> {
  const destination = await lab.destination(lab.request);
  const kept = { ...KEPT, base: lab.base };
  const publication = await restorePublication(lab.request, { kept, destination, paths, plan: QUICK });
  const published: Published = { branch: null, commit: null, pullRequest: null };
  await publishChanges(publication, { destination, published, attempt, plan: QUICK });
  return published;
}

test("another machine publishes a run from its patch alone, after the branch it started from has moved on", async () => {
  await lab.github.git.commit(lab.github.repository, { branch: "main", message: "Later\n", files: { later: "x\n" } });
  const published = await publishElsewhere("first");
  expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
  expect(await lab.github.git.git(lab.github.repository, ["rev-parse", `${published.commit}^`])).toBe(
    `${lab.base.sha}\n`,
  );
  expect(await lab.pullRequests()).toEqual([{ number: published.pullRequest?.number, state: "open" }]);
});

test("it makes the very commit that the first machine made, so what that one pushed is adopted", async () => {
  const { published } = await lab.publish({
    onPublished: async ({ pullRequest }) => {
      if (pullRequest !== null || Object.keys(await lab.branches()).length > 0) throw new Error("killed");
    },
  });
  expect(await publishElsewhere("repeat")).toMatchObject({ branch: published.branch, commit: published.commit });
  expect([Object.keys(await lab.branches()).length, (await lab.pullRequests()).length]).toEqual([1, 1]);
});

test("GH-010: a remote that stumbles while the commit is fetched is asked again", async () => {
  const on = /service=git-upload-pack/;
  lab.proxy.plan({ on, kind: "status", status: 503, times: 3 });
  lab.proxy.plan({ on, kind: "cut-before", times: 2 });
  lab.proxy.plan({ on: /access_tokens/, kind: "status", status: 502, times: 2 });
  expect(await publishElsewhere("first")).toMatchObject({ pullRequest: { number: expect.any(Number) } });
  expect(readdirSync(paths.work)).toEqual([]);
});

test("a run that never got as far as a commit has nothing to restore", async () => {
  const destination = await lab.destination(lab.request);
  const restoring = restorePublication(lab.request, { kept: { ...KEPT, base: null }, destination, paths });
  await expect(restoring).rejects.toBeInstanceOf(RunError);
});
