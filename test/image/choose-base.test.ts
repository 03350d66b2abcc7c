import { describe, expect, test } from "vitest";
import { chooseBase, type Machine } from "../../src/image/choose-base.ts";
import type { ImageEngine } from "../../src/image/image-engine.ts";
import { readRecipe } from "../../src/image/recipe.ts";
import { join } from "node:path";

const recipe = await readRecipe(join(import.meta.dirname, "../../docker"));

/** An engine that has some images, and a registry that answers as told. */
function createEngine(images: string[], pull: () => Promise<void>): ImageEngine {
  return {
    readImage: async (image) => (images.includes(image) ? { id: image, labels: {} } : null),
    pullImage: pull,
    importImage: () => Promise.reject(new Error("not expected")),
    buildImage: () => Promise.reject(new Error("not expected")),
  };
}

const offline = () => Promise.reject(new Error("no such host."));

const aptSource = { mirror: "http://own.example", suite: "bookworm", components: ["main"], keyringPath: null };

async function choose(
  engine: ImageEngine,
  machine: Machine = { aptSource, uid: 0 },
): Promise<{ base: unknown; said: string[] }> {
  const said: string[] = [];
  const signal = new AbortController().signal;
  const say = (line: string) => void said.push(line);
  const options = { recipe, folderPath: "/nowhere", onProgress: say, onDetail: say, signal, machine };
  const base = await chooseBase(engine, options);
  return { base, said };
}

describe("choosing the base image", () => {
  test("the official one is taken when it is here, and no registry is asked", async () => {
    const engine = createEngine([recipe.defaultBase], () => expect.fail("asked"));
    expect(await choose(engine)).toEqual({ base: { image: recipe.defaultBase, packages: "missing" }, said: [] });
  });

  test("the official one is fetched when a registry has it", async () => {
    const engine = createEngine([], () => Promise.resolve());
    expect((await choose(engine)).base).toEqual({ image: recipe.defaultBase, packages: "missing" });
  });

  test("one that was made here before is used again, and that is said", async () => {
    const made = createEngine([], offline);
    const engine: ImageEngine = {
      ...made,
      readImage: async (image) => (image.startsWith("codex-runner-base:") ? { id: image, labels: {} } : null),
    };
    const { base, said } = await choose(engine);
    expect(base).toEqual({ image: expect.stringMatching(/^codex-runner-base:node24-bookworm$/), packages: "complete" });
    expect(said).toEqual([expect.stringContaining("was made on this machine")]);
  });

  test("without a registry, somebody who is not root is told to build as root, or what to load", async () => {
    const engine = createEngine([], offline);
    await expect(choose(engine, { aptSource, uid: 1000 })).rejects.toMatchObject({
      failure: { message: expect.stringContaining("Only root"), hint: expect.stringMatching(/sudo .*docker load/) },
    });
  });

  test("without a registry, a machine that is no Debian is told so", async () => {
    const engine = createEngine([], offline);
    await expect(choose(engine, { aptSource: null, uid: 0 })).rejects.toMatchObject({
      failure: { message: expect.stringContaining("Debian or Ubuntu"), hint: expect.stringContaining("docker load") },
    });
  });

  test("an abort while the registry is asked ends it with its reason", async () => {
    const stop = new AbortController();
    const engine = createEngine([], () => {
      stop.abort(new Error("enough"));
      return offline();
    });
    const ending = chooseBase(engine, {
      recipe,
      folderPath: "/nowhere",
      onProgress: () => undefined,
      onDetail: () => undefined,
      signal: stop.signal,
    });
    await expect(ending).rejects.toThrow("enough");
  });
});
