import Docker from "dockerode";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { afterAll, describe, expect, test } from "vitest";
import { createTestEngine } from "../container/container-fixture.ts";

const engine = createTestEngine();
const base = `codex-test-base:${process.pid}`;
const image = `codex-test-image:${process.pid}`;

afterAll(async () => {
  for (const name of [image, base]) await new Docker().getImage(name).remove({ force: true });
});

/** A tar with one file. */
function toTar(name: string, text: string): Readable {
  const tar = pack();
  tar.entry({ name }, text);
  tar.finalize();
  return Readable.from(tar);
}

function build(dockerfile: string): Promise<string[]> {
  const lines: string[] = [];
  const options = { image, network: "none", buildArgs: { BASE: base }, labels: { made: "here" } } as const;
  const building = engine.buildImage(toTar("Dockerfile", dockerfile), {
    ...options,
    onProgress: (line) => lines.push(line),
  });
  return building.then(() => lines);
}

describe("making images through the engine", () => {
  test("a tar becomes a base, a Dockerfile on it an image with our labels, and a repetition costs nothing", async () => {
    await engine.importImage(toTar("hello", "hello"), { image: base, changes: ["ENV GREETING=hello"] });
    expect(await engine.readImage(base)).toMatchObject({ id: expect.stringMatching(/^sha256:/), codexVersion: null });

    const dockerfile = "ARG BASE\nFROM ${BASE}\nLABEL codex-orchestrator.codex-version=0.170.0\nCOPY Dockerfile /d\n";
    expect(await build(dockerfile)).toContainEqual(expect.stringMatching(/^Successfully tagged/));
    const made = await engine.readImage(image);
    expect(made).toMatchObject({ codexVersion: "0.170.0", labels: { made: "here" } });

    expect(await build(dockerfile)).toContain("---> Using cache");
    expect((await engine.readImage(image))?.id).toBe(made?.id);
  });

  test("a step that fails is told in the engine's own words, on one line", async () => {
    await expect(build("ARG BASE\nFROM ${BASE}\nRUN true\n")).rejects.toMatchObject({
      failure: {
        reason: "image-unusable",
        message: expect.stringMatching(/^The engine could not build .*RUN true[^\n]*$/),
      },
    });
    await expect(build("NONSENSE\n")).rejects.toMatchObject({
      failure: { message: expect.stringMatching(/unknown instruction/i) },
    });
  });

  test("an image that no registry gives is told as missing, with the registry's own words", async () => {
    await expect(engine.pullImage("registry.invalid/none:1", {})).rejects.toMatchObject({
      failure: { reason: "image-missing", message: expect.stringContaining("registry.invalid/none:1") },
    });
  });

  test("a tar that breaks off makes no image", async () => {
    const broken = new Readable({
      read() {
        this.destroy(new Error("broken off"));
      },
    });
    await expect(engine.importImage(broken, { image: `${base}-broken`, changes: [] })).rejects.toMatchObject({
      failure: { reason: "image-unusable", message: expect.stringContaining("broken off") },
    });
    expect(await engine.readImage(`${base}-broken`)).toBeNull();
  });
});
