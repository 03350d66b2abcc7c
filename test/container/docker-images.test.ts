import { expect, test } from "vitest";
import { parseImage } from "../../src/container/docker-images.ts";
import { sortDeclaredVolumes } from "../../src/container/image-facts.ts";
import { createImageFinder, findRunImage } from "../../src/container/run-image.ts";
import type { ImageView } from "../../src/container/engine.ts";

const digest = `python@sha256:${"d".repeat(64)}`;
const document = {
  Id: `sha256:${"1".repeat(64)}`,
  RepoTags: ["python:3.13"],
  RepoDigests: [digest],
  Architecture: "amd64",
  Config: {
    Env: ["PATH=/usr/local/bin:/bin", "A=b=c", "EMPTY=", "BARE"],
    Labels: { maintainer: "somebody" },
    Volumes: { "/data": {}, "/var/../tmp/x": {} },
  },
};

test("what the engine tells of an image: its digest, its variables, the volumes it declares", () => {
  expect(parseImage(document)).toEqual({
    ...{ id: document.Id, codexVersion: null, architecture: "amd64", labels: { maintainer: "somebody" }, digest },
    variables: { PATH: "/usr/local/bin:/bin", A: "b=c", EMPTY: "", BARE: "" },
    declaredVolumes: ["/data", "/var/../tmp/x"],
  });
  expect(parseImage({ Id: "sha256:2", RepoDigests: [], Config: null })).toMatchObject({
    ...{ digest: null, variables: {}, declaredVolumes: [], labels: {} },
  });
});

test.each([
  ["/data", { free: ["/data"], ours: [] }],
  ["data/", { free: ["/data"], ours: [] }],
  ["/tmp/x", { free: ["/tmp/x"], ours: [] }],
  ["/var/../data", { free: ["/data"], ours: [] }],
  ["/tmp", { free: [], ours: [] }],
  ["/workspace/", { free: [], ours: [] }],
  ["/home/run", { free: [], ours: [] }],
  ["/workspace/node_modules", { free: [], ours: ["/workspace/node_modules"] }],
  ["/in", { free: [], ours: ["/in"] }],
  ["/data/../in/go", { free: [], ours: ["/in/go"] }],
  ["/run/model", { free: [], ours: ["/run/model"] }],
  ["/opt", { free: [], ours: ["/opt"] }],
  ["/opt/codex-runner/bin", { free: [], ours: ["/opt/codex-runner/bin"] }],
  ["/home", { free: [], ours: ["/home"] }],
  ["/codex/sessions", { free: [], ours: ["/codex/sessions"] }],
  ["/proc/x", { free: [], ours: ["/proc/x"] }],
  ["/", { free: [], ours: ["/"] }],
])("a declared volume %s is replaced by an empty folder unless it would stand in our way", (path, sorted) => {
  expect(sortDeclaredVolumes([path])).toEqual(sorted);
});

/** An engine that has these images. */
function toEngine(images: Record<string, Partial<ImageView>>) {
  const asked: string[] = [];
  return {
    asked,
    readImage: async (name: string) => {
      asked.push(name);
      const image = images[name];
      return image === undefined ? null : { ...parseImage({ Id: `sha256:${name}` }), ...image };
    },
    readVolume: async () => null,
  };
}

test("the runner image needs no volume, and neither does another name of it", async () => {
  const engine = toEngine({ standard: { id: "sha256:s", codexVersion: "0.169.0" }, other: { id: "sha256:s" } });
  for (const image of ["standard", "other"]) {
    expect(await findRunImage(engine, { image, standard: "standard" })).toMatchObject({
      ...{ name: image, id: "sha256:s", partsVolume: null, codexVersion: "0.169.0" },
    });
  }
  expect(engine.asked).toEqual(["standard", "standard", "other"]);
});

test.each([
  ["gone", "standard", "image-missing", /The image gone does not exist/, /docker pull/],
  ["gone", "no-runner", "image-missing", /The runner image no-runner does not exist/, /image build/],
  ["greedy", "standard", "image-unusable", /greedy declares a volume in a place of the run's own: \/in/, /VOLUME/],
  ["plain", "standard", "image-missing", /volume codex-runner-parts-standard with/, /image build/],
])("the image %s with the runner image %s: %s", async (image, standard, reason, message, hint) => {
  const engine = toEngine({ standard: {}, plain: {}, greedy: { declaredVolumes: ["/data", "/in"] } });
  await expect(findRunImage(engine, { image, standard })).rejects.toMatchObject({
    failure: { reason, message: expect.stringMatching(message), hint: expect.stringMatching(hint) },
  });
});

test("all containers of a run get the same image, though its name comes to mean another; a failure is asked again", async () => {
  const images: Record<string, Partial<ImageView>> = {};
  const find = createImageFinder(toEngine(images), { image: "standard", standard: "standard" });
  await expect(find()).rejects.toThrow("does not exist");
  images["standard"] = { id: "sha256:1" };
  expect(await find()).toMatchObject({ id: "sha256:1" });
  images["standard"] = { id: "sha256:2" };
  expect(await find()).toMatchObject({ id: "sha256:1" });
});
