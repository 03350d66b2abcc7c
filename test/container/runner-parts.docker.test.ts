import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRunImage, type RunImage } from "../../src/container/run-image.ts";
import { type MadeParts, makeRunnerParts } from "../../src/container/runner-parts.ts";
import { checkAllowedImages } from "../../src/doctor/check-allowed-images.ts";
import { startContainer } from "../../src/container/start-container.ts";
import { toTar } from "../helpers/foreign-images.ts";
import { createTestEngine, image as runner, makeFolders, readAll, toTestSpec, toWishes } from "./container-fixture.ts";

const engine = createTestEngine();
const docker = new Docker();
/** An image that has parts of its own: as small as they can be, so that copies cost nothing. */
const standard = `parts-test-standard:${process.pid}`;
/** Another one, that would put its own files into an empty volume. */
const foreign = `parts-test-foreign:${process.pid}`;
let id = "";

beforeEach(async () => {
  const options = { network: "none", buildArgs: {}, labels: {} } as const;
  // The time makes it an image of its own for each test.
  const file = (text: string): string =>
    `FROM ${runner}\nUSER 0:0\nRUN rm -rf /opt/codex-runner; mkdir -p /opt/codex-runner/bin; echo ${Date.now()} >/stamp; ` +
    `printf '#!/bin/sh\\n${text}\\n' | tee /opt/codex-runner/run-entry >/opt/codex-runner/bin/codex; ` +
    `chmod 0755 /opt/codex-runner/run-entry /opt/codex-runner/bin/codex\n`;
  for (const [image, text] of [
    [standard, "echo OURS"],
    [foreign, "echo THEIRS"],
  ] as const) {
    await engine.buildImage(toTar([{ name: "Dockerfile", text: file(text) }]), { ...options, image });
  }
  id = (await engine.readImage(standard))?.id ?? "";
});
afterEach(async () => {
  for (const { name } of await listParts()) await engine.removeVolume(name);
  for (const image of [standard, foreign]) await docker.getImage(image).remove({ force: true });
});

const pointer = (): string => `codex-runner-parts-${id.slice(7, 19)}`;
const find = (): Promise<RunImage> => findRunImage(engine, { image: foreign, standard });
const MISSING = {
  failure: {
    reason: "image-missing",
    message: expect.stringMatching(/volume codex-runner-parts-[0-9a-f]{12} .* missing or incomplete/),
    hint: expect.stringContaining("codex-orchestrator image build"),
  },
};

async function listParts(): Promise<{ name: string }[]> {
  const all = await engine.listVolumes({ label: "codex-orchestrator.parts-of" });
  return all.filter(({ labels }) => labels["codex-orchestrator.parts-of"] === id);
}

/** What the entry of the parts prints in the foreign image. */
async function runEntry(image: RunImage): Promise<string> {
  await using folders = await makeFolders();
  const { partsVolume: name } = image;
  const volumes = name === null ? [] : [{ name, target: "/opt/codex-runner", access: "read-only" as const }];
  const spec = {
    ...toTestSpec(folders, { script: "/opt/codex-runner/run-entry; touch /opt/codex-runner/x" }),
    volumes,
  };
  await using container = await startContainer(engine, { spec: { ...spec, image: image.id } });
  const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
  await container.supervise(toWishes());
  return (await output).join("");
}

test("another image gets a read-only copy of the runner image's parts, which is made once", async () => {
  expect((await findRunImage(engine, { image: standard, standard })).partsVolume).toBeNull();
  const allowed = { allowedImages: ["parts-test-*"], image: standard };
  await expect(find()).rejects.toMatchObject(MISSING);
  await expect(checkAllowedImages(engine, allowed)).rejects.toMatchObject(MISSING);
  const made = await makeRunnerParts(engine, { image: standard });
  expect(await checkAllowedImages(engine, allowed)).toMatchObject({ verdict: "passed" });
  expect(made.made).toBe("now");
  const found = await find();
  expect(found).toMatchObject({ name: foreign, partsVolume: made.volume });
  expect(await runEntry(found)).toMatch(/^OURS\n.*Read-only file system/);
  expect(await makeRunnerParts(engine, { image: standard })).toEqual({ volume: made.volume, made: "earlier" });
  expect(await listParts()).toHaveLength(2);
});

test("processes that make them at the same time find the same copy afterwards, and leave no other", async () => {
  const script = join(import.meta.dirname, "make-parts.ts");
  const run = async (): Promise<MadeParts> => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, standard]);
    return JSON.parse(stdout) as MadeParts;
  };
  const made = await Promise.all([run(), run(), run()]);
  expect(new Set(made.map(({ volume }) => volume))).toEqual(new Set([(await find()).partsVolume]));
  expect(made.filter((one) => one.made === "now")).toHaveLength(1);
  expect(await listParts()).toHaveLength(2);
});

test("a copy that another process finished a moment ago is taken, and not made anew", async () => {
  const { volume } = await makeRunnerParts(engine, { image: standard });
  let looks = 0;
  const readVolume: typeof engine.readVolume = async (name) => (looks++ === 0 ? null : await engine.readVolume(name));
  expect(await makeRunnerParts({ ...engine, readVolume }, { image: standard })).toEqual({ volume, made: "earlier" });
  expect((await find()).partsVolume).toBe(volume);
  expect(await listParts()).toHaveLength(2);
});

test("a copy that was broken off is none, and one that is gone is made again", async () => {
  await engine.createVolume({ name: `${pointer()}-half`, labels: { "codex-orchestrator.parts-of": id } });
  await expect(find()).rejects.toMatchObject(MISSING);
  const { volume } = await makeRunnerParts(engine, { image: standard });
  await engine.removeVolume(volume);
  await expect(find()).rejects.toMatchObject(MISSING);

  // What the engine makes of a name that it does not know, and an image that would fill it.
  const image = await engine.readImage(foreign);
  if (image === null) throw new Error("the image is gone");
  expect(await runEntry({ ...image, name: foreign, partsVolume: volume })).toContain("run-entry: not found");
  await expect(find()).rejects.toMatchObject(MISSING);
  expect((await makeRunnerParts(engine, { image: standard })).made).toBe("now");
  expect(await runEntry(await find())).toMatch(/^OURS\n/);
  await docker.getVolume(volume).remove();
});

test("what a process leaves that is killed while it fills a volume goes after an hour, and before that it might be another one's work", async () => {
  // The proof takes its time, so that there is some to kill the process in.
  const until = Math.ceil(Date.now() / 1000) + 15;
  const text = `FROM ${standard}\nRUN printf '#!/bin/sh\\nwhile [ $(date +%%s) -lt ${until} ]; do sleep 0.1; done\\n' >/opt/codex-runner/bin/codex\n`;
  const options = { image: standard, network: "none", buildArgs: {}, labels: {} } as const;
  await engine.buildImage(toTar([{ name: "Dockerfile", text }]), options);
  id = (await engine.readImage(standard))?.id ?? "";
  const listContainers = () => docker.listContainers({ all: true, filters: { ancestor: [id] } });
  const maker = spawn(process.execPath, [join(import.meta.dirname, "make-parts.ts"), standard], { stdio: "ignore" });
  const ended = once(maker, "exit");
  try {
    await expect.poll(listContainers, { timeout: 10_000 }).toMatchObject([{ State: "running" }]);
    maker.kill("SIGKILL");
    await ended;
    const [left] = await listContainers();

    // One that only bears the label: a container gets those of its image, too.
    const labels = { "codex-orchestrator.parts-of": id };
    const stranger = await docker.createContainer({ Image: standard, Cmd: ["true"], Labels: labels });
    expect((await makeRunnerParts(engine, { image: standard })).made).toBe("now");
    const ids = async () => new Set((await listContainers()).map(({ Id }) => Id));
    expect(await ids()).toEqual(new Set([left?.Id, stranger.id]));
    expect(await listParts()).toHaveLength(3);

    expect((await makeRunnerParts(inAnHour(), { image: standard })).made).toBe("earlier");
    expect(await ids()).toEqual(new Set([stranger.id]));
    expect(await listParts()).toHaveLength(2);
  } finally {
    maker.kill("SIGKILL");
    for (const { Id } of await listContainers()) await docker.getContainer(Id).remove({ force: true });
  }
}, 60_000);

/** The engine as it shows what is there of this test's image an hour later. */
function inAnHour(): typeof engine {
  const age = <Found extends { labels: Record<string, string>; createdAt: Date | null }>(found: Found): Found =>
    found.labels["codex-orchestrator.parts-of"] === id
      ? { ...found, createdAt: new Date((found.createdAt?.getTime() ?? 0) - 3_600_000) }
      : found;
  return {
    ...engine,
    listVolumes: async (options) => (await engine.listVolumes(options)).map(age),
    listFillers: async (options) => (await engine.listFillers(options)).map(age),
  };
}

test("parts that do not work are no copy", async () => {
  const text = `FROM ${standard}\nRUN printf '#!/bin/sh\\nexit 3\\n' >/opt/codex-runner/bin/codex\n`;
  const options = { image: standard, network: "none", buildArgs: {}, labels: {} } as const;
  await engine.buildImage(toTar([{ name: "Dockerfile", text }]), options);
  id = (await engine.readImage(standard))?.id ?? "";
  await expect(makeRunnerParts(engine, { image: standard })).rejects.toMatchObject({
    failure: { reason: "image-unusable" },
  });
  expect(await listParts()).toEqual([]);
});

test("copies of images that are gone are removed, unless a container has them; those of other images stay", async () => {
  const labels = { "codex-orchestrator.parts-of": `sha256:${"0".repeat(64)}` };
  const [old, used] = [`parts-test-old-${process.pid}`, `parts-test-used-${process.pid}`];
  for (const name of [old, used]) await engine.createVolume({ name, labels });
  const other = `parts-test-other-${process.pid}`;
  const owner = (await engine.readImage(foreign))?.id ?? "";
  await engine.createVolume({ name: other, labels: { "codex-orchestrator.parts-of": owner } });
  const holder = await docker.createContainer({
    Image: runner,
    HostConfig: { Mounts: [{ Type: "volume", Source: used, Target: "/x" }] },
  });
  try {
    await makeRunnerParts(engine, { image: standard });
    expect([await engine.readVolume(old), await engine.readVolume(used), await engine.readVolume(other)]).toEqual([
      null,
      expect.objectContaining({ name: used }),
      expect.objectContaining({ name: other }),
    ]);
  } finally {
    await holder.remove({ force: true });
    for (const name of [used, other]) await engine.removeVolume(name);
  }
});
