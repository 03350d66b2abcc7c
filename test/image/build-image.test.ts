import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildRunnerImage } from "../../src/image/build-image.ts";
import type { ImageEngine } from "../../src/image/image-engine.ts";
import { readRecipe } from "../../src/image/recipe.ts";
import { reportProgress } from "../../src/image/report-progress.ts";
import { runTool } from "../../src/image/run-tool.ts";

const recipe = await readRecipe(join(import.meta.dirname, "../../docker"));
const notExpected = () => Promise.reject(new Error("not expected"));

function createEngine(labels: Record<string, string>): ImageEngine {
  return {
    readImage: async (image) => ({ id: image, labels }),
    pullImage: notExpected,
    importImage: notExpected,
    buildImage: notExpected,
  };
}

describe("building the runner image", () => {
  test("an image that was made from the same files is not built again", async () => {
    const said: string[] = [];
    const built = await buildRunnerImage(createEngine({ "codex-orchestrator.recipe": recipe.hash }), {
      image: "codex-runner:latest",
      onProgress: (line) => said.push(line),
      checkCodexVersion: () => null,
    });
    expect(built).toEqual({ codexVersion: recipe.codexVersion, built: "earlier" });
    expect(said).toEqual([`codex-runner:latest is up to date (Codex ${recipe.codexVersion})`]);
  });

  test("a Codex that must not be used is refused before anything is fetched", async () => {
    const building = buildRunnerImage(createEngine({}), {
      image: "codex-runner:latest",
      onProgress: () => undefined,
      checkCodexVersion: (version) => `Codex ${version} is too old.`,
    });
    await expect(building).rejects.toMatchObject({
      failure: { reason: "image-unusable", message: `Codex ${recipe.codexVersion} is too old.` },
    });
  });
});

describe("the tools of the machine", () => {
  const signal = new AbortController().signal;

  test("one that is not there is named, with what to do", async () => {
    await expect(runTool("no-such-tool", { args: [], signal })).rejects.toMatchObject({
      failure: {
        message: expect.stringContaining("no-such-tool"),
        hint: expect.stringContaining("Install no-such-tool"),
      },
    });
  });

  test("one that fails is quoted with its last words", async () => {
    const args = ["-c", "echo first; echo 'E: no mirror' >&2; exit 4"];
    await expect(runTool("sh", { args, signal })).rejects.toThrow(/sh failed with exit code 4: .*E: no mirror/);
  });

  test("one that is aborted has ended when that is told", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(runTool("sleep", { args: ["100"], signal: stop.signal })).rejects.toThrow("enough");
  });

  test("its lines are heard as they come, and its output is given", async () => {
    const heard: string[] = [];
    const answer = await runTool("printf", { args: ["one\\ntwo\\n"], signal, onLine: (line) => heard.push(line) });
    expect([answer, heard]).toEqual(["one\ntwo\n", ["one", "two"]]);
  });
});

test("a step says that it began, what it does now and then, and how long it took when that was long", async () => {
  const said: string[] = [];
  const step = reportProgress("step", { onProgress: (line) => said.push(line), everyMs: 1_000 });
  const result = await step.during(async (onLine) => {
    onLine("too early");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    onLine("in the middle");
    onLine("again too early");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return 7;
  });
  expect(result).toBe(7);
  expect(said).toEqual(["step …", "step: in the middle", expect.stringMatching(/^step done in 2\.\d s$/)]);
});
