import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { toPathText } from "../../src/run/changes.ts";
import { toLayersPath } from "../../src/set-up/layer-store.ts";
import { makeRunnerParts } from "../../src/container/runner-parts.ts";
import { image as runner } from "../container/container-fixture.ts";
import { toTar } from "../helpers/foreign-images.ts";
import { toNodeRepository } from "../languages/repositories.ts";
import { Lab } from "../workspace/lab.ts";
import { SetupLab } from "./setup-lab.ts";

let remotes: Lab;
let lab: SetupLab;
let url = "";
beforeEach(async () => {
  remotes = new Lab();
  lab = await SetupLab.open();
  url = remotes.createRemote({
    ...{ "package-lock.json": "{}\n", "src/a.txt": "a\n", "old.txt": "old\n", ".gitignore": "node_modules/\n" },
    "tools/set-up.sh": { program: "#!/bin/sh\nmkdir -p node_modules/dep && echo made > node_modules/dep/i.js\n" },
  });
});
afterEach(async () => {
  expect(await lab.engine.listRunContainers({ instanceId: lab.paths.instance })).toEqual([]);
  await lab[Symbol.asyncDispose]();
  await remotes[Symbol.asyncDispose]();
});

const SETUP = [
  "sh tools/set-up.sh",
  "echo AT-HOME > ~/home.txt; echo new > src/made.txt; echo '{ \"a\": 1 }' > package-lock.json; rm old.txt; echo x > .git/x",
];
const LOOK = "cat node_modules/dep/i.js ~/home.txt src/made.txt package-lock.json old.txt src/a.txt; ls .git/x";
const SEEN = "made\nAT-HOME\nnew\n{}\nold\na\nls: cannot access '.git/x'";
const layers = () => readdir(toLayersPath(lab.paths)).catch(() => []);

test("what set-up made is there for the run that made it and for later ones, the repository's own files as they are", async () => {
  const first = await lab.run({ url, setup: SETUP });
  expect(await first.log()).toMatch(/\[setup\] \$ sh tools[^]*\[setup\] kept for later runs \(key [0-9a-f]{12}\) in/);
  expect((await first.look([LOOK])).log).toContain(SEEN);
  await first.end();
  const [key] = await layers();
  const second = await lab.run({ url, setup: SETUP });
  expect(await second.log()).toMatch(new RegExp(`^\\[setup\\] reused \\(key ${key?.slice(0, 12)}, made 2[^)]*Z\\) in`));
  expect(await second.log()).not.toContain("$ sh tools");
  expect((await second.look([LOOK])).log).toContain(SEEN);
  expect((await second.collect()).changes).toEqual([]);
  expect(await layers()).toEqual([key]);
  expect([...lab.setUps.read()].map(([way, { count }]) => `${way} ${count}`)).toEqual([
    ...["reused 1", "kept 1", "not-kept 0", "failed 0"],
  ]);
});

test("no run changes a layer, and what one does is seen by no other", async () => {
  const first = await lab.run({ url, setup: SETUP });
  const { log } = await first.look([
    "rm -r node_modules src/made.txt; echo evil > ~/home.txt; mkdir node_modules; echo evil > node_modules/i.js; ls -A src; cat ~/home.txt",
  ]);
  expect(log).toContain("\na.txt\nevil\n");
  expect((await first.look([LOOK])).log).toContain(SEEN);
  const second = await lab.run({ url, setup: SETUP });
  expect((await second.look([LOOK])).log).toContain(SEEN);
});

test("another file of a command, branch or repository is another layer; the default branch's is read on others", async () => {
  await lab.run({ url, setup: SETUP });
  remotes.commitFile("src/b.txt", { content: "b\n" });
  await lab.run({ url, setup: SETUP });
  expect(await layers()).toHaveLength(1);
  remotes.commitFile("tools/set-up.sh", {
    content: "mkdir -p node_modules/dep && echo other > node_modules/dep/i.js\n",
  });
  const changed = await lab.run({ url, setup: SETUP });
  expect((await changed.look(["cat node_modules/dep/i.js"])).log).toContain("other\n");
  remotes.git(["branch", "side", "main"], { cwd: remotes.remotePath() });
  const follower = await lab.run({ url, setup: SETUP, request: { base: "side", default_branch: "main" } });
  expect(await follower.log()).toContain("[setup] reused");
  expect(await layers()).toHaveLength(2);
  await lab.run({ url, setup: SETUP, request: { base: "side" } });
  expect(await layers()).toHaveLength(3);
  await lab.run({ url: remotes.publish(remotes.remotePath(), { name: "elsewhere" }), setup: SETUP });
  expect(await layers()).toHaveLength(4);
});

test("what failed is no layer, and says which command and its last lines", async () => {
  const setup = ["mkdir node_modules", "echo LAST-LINE; exit 7"];
  await expect(lab.run({ url, setup })).rejects.toMatchObject({
    failure: {
      reason: "setup-failed",
      message: "The setup of the repository failed: `echo LAST-LINE; exit 7` ended with exit code 7.",
    },
    details: expect.stringContaining("LAST-LINE"),
  });
  expect(await layers()).toEqual([]);
});

test("two runs at once both get theirs, and one layer is kept", async () => {
  const runs = await Promise.all([1, 2].map(() => lab.run({ url, setup: SETUP })));
  for (const run of runs) expect((await run.look([LOOK])).log).toContain(SEEN);
  expect(await layers()).toHaveLength(1);
});

test("what a fork's code made is for that run alone, and its home for nobody", async () => {
  const pull = { number: 1, head_sha: "a".repeat(40), base_sha: "b".repeat(40), head: "fork" as const };
  const fork = await lab.run({ url, setup: SETUP, request: { pull } });
  expect(await fork.log()).toContain("for this run alone");
  const { log } = await fork.look(["cat node_modules/dep/i.js; cat ~/home.txt"]);
  expect(log).toMatch(/made\n.*home\.txt: No such file/);
  expect(await layers()).toEqual([]);
});

test("a folder of an image that is called as ours are comes into no workspace", async () => {
  const image = `set-up-source-${process.pid}`;
  const files = [
    { name: "Dockerfile", text: `FROM ${runner}\nCOPY src /source/src\n` },
    { name: "src/a.txt", text: "of the image\n" },
  ];
  await lab.engine.buildImage(toTar(files), { ...{ image, network: "none", buildArgs: {}, labels: {} } });
  onTestFinished(() => void execFileSync("docker", ["rmi", image]));
  await makeRunnerParts(lab.engine, { image: runner });
  const run = await lab.run({ url, setup: ["cat src/a.txt"], image });
  expect(await run.log()).toContain("\na\n");
  expect((await run.look(["cat src/a.txt"])).log).toContain("\na\n");
});

test("where folders cannot be laid over each other, set-up works in the workspace itself", async () => {
  await using odd = await SetupLab.open({ name: "a,b" });
  const run = await odd.run({ url, setup: SETUP });
  expect(await run.log()).toContain("[setup] not kept for later runs: RUNS_PATH has a name");
  expect((await run.look(["cat node_modules/dep/i.js ~/home.txt src/made.txt"])).log).toContain("made\nAT-HOME\nnew\n");
  const { changes } = await run.collect();
  expect(changes.map(({ path }) => toPathText(path))).toEqual([]);
});

test("a Node repository's tests run without network on what npm installed, which a second run has at once", async () => {
  const { files, setup, verify, passed } = toNodeRepository({ files: 1_000 });
  const shop = remotes.createRemote(files, { name: "shop" });
  const took: number[] = [];
  for (const made of ["kept for later runs", "reused"]) {
    const run = await lab.run({ url: shop, setup });
    expect(await run.look(verify)).toMatchObject({ end: { kind: "passed" }, log: expect.stringMatching(passed) });
    expect(await run.log()).toContain(`[setup] ${made}`);
    expect((await run.collect()).changes).toEqual([]);
    took.push(run.setupMs);
    await run.end();
  }
  console.log(`set-up of 1,000 files: first ${took[0]?.toFixed(0)} ms, second ${took[1]?.toFixed(0)} ms`);
  expect(took[1]).toBeLessThan(500);
});
