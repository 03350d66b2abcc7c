import Docker from "dockerode";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { expect, onTestFinished, test } from "vitest";
import { RECIPE_LABEL } from "../../src/image/recipe.ts";
import { pruneImages } from "../../src/retention/prune-images.ts";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import { createTestEngine } from "../container/container-fixture.ts";

const engine = createTestEngine();
const docker = new Docker();

function toTar(name: string, text: string): Readable {
  const tar = pack();
  tar.entry({ name }, text);
  tar.finalize();
  return Readable.from(tar);
}

const name = `codex-test-left:${process.pid}`;

/** Builds an image under the one name, which the next one takes away from it; its id. */
async function build(dockerfile: string, labels: Record<string, string>): Promise<string> {
  const options = { image: name, network: "none", buildArgs: {}, labels } as const;
  await engine.buildImage(toTar("Dockerfile", dockerfile), options);
  return (await engine.readImage(name))?.id ?? "";
}

test("runner images that later builds took the name of go when they are old; what others built on them, or without us, stays", async () => {
  const base = `codex-test-left-base:${process.pid}`;
  const made: string[] = [base];
  onTestFinished(async () => {
    for (const image of [name, ...made.toReversed()])
      await docker
        .getImage(image)
        .remove({ force: true })
        .catch(() => {});
  });
  await engine.importImage(toTar("hello", "hello"), { image: base, changes: [] });
  const label = { [RECIPE_LABEL]: `test-${process.pid}` };
  const old = await build(`FROM ${base}\nENV A=1\n`, label);
  const pinned = await build(`FROM ${base}\nENV A=2\n`, label);
  const derived = await build(`FROM ${pinned}\nENV B=1\n`, {});
  const foreign = await build(`FROM ${base}\nENV C=1\n`, { somebody: "else" });
  const newest = await build(`FROM ${base}\nENV A=3\n`, label);
  made.push(old, pinned, derived, foreign, newest);
  // What else there is on this engine is none of this test's business.
  const own: typeof engine = {
    ...engine,
    listLeftImages: async (options) => (await engine.listLeftImages(options)).filter(({ id }) => made.includes(id)),
  };
  const find = async (options: { hours: number; how: "look" | "remove" }): Promise<string[]> => {
    const before = new Date(Date.now() + options.hours * 3_600_000);
    const pruned = await pruneImages({ engine: own, image: pinned, before, how: options.how });
    return pruned.map((image) => image.name);
  };
  expect(await find({ hours: -1, how: "remove" })).toEqual([]);
  expect(await find({ hours: 1, how: "look" })).toEqual([old]);
  expect(await find({ hours: 1, how: "remove" })).toEqual([old]);
  const left = await Promise.all([old, pinned, derived, foreign, newest].map((id) => engine.readImage(id)));
  expect(left.map((image) => image !== null)).toEqual([false, true, true, true, true]);
});

test("an engine that is away is passed over", async () => {
  const away = createDockerEngine({ endpoint: { kind: "socket", socketPath: "/nobody/listens.sock" } });
  expect(await pruneImages({ engine: away, image: name, before: new Date(), how: "remove" })).toEqual([]);
});
