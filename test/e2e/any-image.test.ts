import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { ModelScript } from "../../src/demo/model-script.ts";
import type { RunResult } from "../../src/run/result.ts";
import type { VolumeView } from "../../src/container/engine.ts";
import { createTestEngine } from "../container/container-fixture.ts";
import { makeBusyboxImage, makeDebianImage, makeRunnerImage, makeShellLessImage } from "../helpers/foreign-images.ts";
import { DONE, openWorld, type World } from "./world.ts";

const engine = createTestEngine();
const docker = new Docker();
const debian = `any-image-debian:${process.pid}`;
/** A runner image whose parts nobody has copied yet. */
const runner = `any-image-runner:${process.pid}`;
const shellLess = `any-image-without-shell:${process.pid}`;
const busybox = `any-image-busybox:${process.pid}`;
let world: World;
let command = "true";

/** As models do that write code: a program of Codex's own runs it. */
const CODE = `text((await tools.exec_command({ cmd: "echo by-code >src/c.txt; echo FROM-CODE" })).output)`;
const PATCH = "*** Begin Patch\n*** Add File: src/p.txt\n+by-patch\n*** End Patch";
const answer = (): ModelScript => [
  { items: [{ kind: "shell", command, yieldTimeMs: 30_000 }] },
  { items: [{ kind: "patch", patch: PATCH }] },
  { items: [{ kind: "raw", item: { type: "custom_tool_call", call_id: "code_1", name: "exec", input: CODE } }] },
  { items: [{ kind: "say", text: `Done.\n${DONE}` }] },
];

beforeAll(async () => {
  await makeRunnerImage(engine, { image: runner });
  [world] = await Promise.all([
    openWorld({ script: answer, environment: { ALLOWED_IMAGES: "any-image-*", CODEX_IMAGE: runner } }),
    makeDebianImage(engine, { image: debian }),
    makeBusyboxImage(engine, { image: busybox }),
    makeShellLessImage(engine, { image: shellLess }),
  ]);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  for (const { name } of await listParts()) await engine.removeVolume(name);
  for (const image of [debian, busybox, shellLess, runner]) await docker.getImage(image).remove({ force: true });
});

async function listParts(): Promise<VolumeView[]> {
  const id = (await engine.readImage(runner))?.id;
  const all = await engine.listVolumes({ label: "codex-orchestrator.parts-of" });
  return all.filter(({ labels }) => labels["codex-orchestrator.parts-of"] === id);
}

test("a server copies the runner's parts for other images at its start", async () => {
  const isThere = async () => (await listParts()).some(({ labels }) => "codex-orchestrator.parts-in" in labels);
  await expect.poll(isThere, { timeout: 60_000 }).toBe(true);
});

const Pull = z.object({ body: z.string() });

async function run(settings: object): Promise<RunResult> {
  const { git, repository } = world.github;
  const files = { ".github/codex.yml": JSON.stringify(settings), "src/a.txt": "needle\n", ".gitignore": "made.txt\n" };
  await git.commit(repository, { branch: "main", message: "Settings", files });
  const commentId = await world.comment("/codex --model gpt-6.1-sol Look around, then write");
  const result = await world.nextResult();
  await world.reported(commentId);
  return result;
}

async function readPull({ pull_request: opened }: RunResult): Promise<z.infer<typeof Pull>> {
  const path = `/repos/${world.github.repository}/pulls/${opened?.number}`;
  return Pull.parse((await world.github.call({ as: "octocat", method: "GET", path })).body);
}

/** What can be seen from inside; each line is asserted below. */
const LOOK = [
  "echo user=$(id -u) shell=$(command -v bash) node=$(command -v node) $(tool)",
  "env | grep -E '^(LD_|BASH_ENV|ENV=|NODE_OPTIONS|GIT_DIR|NPM_TOKEN|HTTPS_PROXY|PLAIN)'; echo",
  "touch /data/x && echo DATA-IS-SCRATCH; grep ' /data ' /proc/mounts",
  "for place in / /opt/codex-runner /opt/codex-runner/bin /in; do touch $place/x 2>/dev/null && echo WRITTEN $place; done",
  "cat /proc/net/dev | grep -c eth",
  "git log --oneline | head -1; rg -l needle src; echo x >>src/a.txt; git stash -q && git stash pop -q; git diff --stat; git checkout -q src; git clone -q . /tmp/clone && echo CLONED",
].join("; ");

test.each([
  ["a plain Debian without Node and git", debian, "/usr/bin/bash"],
  ["nothing but busybox, without glibc", busybox, ""],
])("%s runs setup, Codex and verify, and what the image declares does not matter", async (_, image, bash) => {
  command = `${LOOK}; cat made.txt ~/home.txt; echo $SET; echo by-agent >src/b.txt; git add -A; git commit -qm mine; echo END`;
  const volumes = await listVolumes();
  const result = await run({
    image,
    setup: ["tool >made.txt; git status --short; echo AT-HOME >~/home.txt", "echo 'export SET=by-setup' >>~/.profile"],
    verify: ["echo VERIFIED $(cat src/b.txt) $(tool) $(git log -1 --format=%s) $SET"],
  });
  expect([result.status, result.error, result.output.files_changed]).toEqual([
    ...["done", null],
    ["src/b.txt", "src/c.txt", "src/p.txt"],
  ]);
  const log = world.file(result, "log.txt");
  const { body } = await readPull(result);
  expect(result.codex?.version).toMatch(/^0\.\d+\.\d+$/);
  expect(log).toContain(
    `user=${process.getuid?.() === 0 ? 10001 : process.getuid?.()} shell=${bash} node= TOOL-OF-THE-IMAGE\n`,
  );
  expect(log).toContain("\nPLAIN=kept\n");
  expect(log).not.toMatch(/^(LD_|BASH_ENV|ENV=|NODE_OPTIONS|GIT_DIR|NPM_TOKEN|HTTPS_PROXY)/m);
  expect(log).toMatch(/DATA-IS-SCRATCH\ntmpfs \/data tmpfs /);
  expect(log).not.toMatch(/^WRITTEN/m);
  expect(log).toMatch(/\n0\n[0-9a-f]{7,} [^\n]*Settings\nsrc\/a\.txt\n src\/a\.txt \| 1 \+\n/);
  expect(log).toMatch(/CLONED\nTOOL-OF-THE-IMAGE\nAT-HOME\nby-setup\nEND\n/);
  expect(log).toContain("VERIFIED by-agent TOOL-OF-THE-IMAGE mine by-setup\n");
  const id = (await engine.readImage(image))?.id ?? "";
  expect(log).toContain(`[image] ${image} is ${id}\n`);
  expect(body).toContain(`image \`${image}\` (\`${id.slice(0, 19)}\`)`);
  expect(await listVolumes()).toEqual(volumes);
});

test("an image without a shell ends the run before anything is paid for, and says what it lacks", async () => {
  const before = world.model.requests.length;
  const { error } = await run({ image: shellLess });
  expect(error).toMatchObject({
    reason: "image-unusable",
    message: expect.stringMatching(/^The image's own programs could not be started: .*No such file/),
    hint: expect.stringContaining("/bin/sh"),
  });
  expect(world.model.requests.length).toBe(before);
});

/** The names of all volumes that stand for nothing but a container. */
async function listVolumes(): Promise<string[]> {
  const { Volumes } = await docker.listVolumes({ filters: JSON.stringify({ dangling: ["true"] }) });
  return Volumes.map(({ Name }) => Name).filter((name) => /^[0-9a-f]{64}$/.test(name));
}
