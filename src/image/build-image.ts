import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RunError } from "../run/failure.ts";
import { openBuildContext } from "./build-context.ts";
import { chooseBase } from "./choose-base.ts";
import { fetchPackage } from "./fetch-package.ts";
import type { ImageEngine } from "./image-engine.ts";
import { readRecipe, type Recipe, RECIPE_LABEL } from "./recipe.ts";
import { reportProgress } from "./report-progress.ts";

export type BuildRunnerImageOptions = {
  /** Name of the image, such as `codex-runner:latest`. */
  image: string;
  /** Gets lines for people: each step that takes more than a moment, and where it is. */
  onProgress: (line: string) => void;
  /** Says why a Codex version must not be used, or null. */
  checkCodexVersion: (version: string) => string | null;
  signal?: AbortSignal;
  /** Folder of the Dockerfile. Default: `docker/` of this package. */
  recipePath?: string;
};

export type BuiltImage = { codexVersion: string; built: "now" | "earlier" };

const docker = fileURLToPath(new URL("../../docker", import.meta.url));

/**
 * Builds the runner image, with a container registry or without one, unless the image is there and was made from the
 * same files.
 *
 * Everything is fetched here, with this machine's own settings for npm and apt, and not inside the build. Rejects with
 * `image-unusable` and what to do, or with `docker-unavailable`; nothing is left behind then but layers in the cache.
 */
export async function buildRunnerImage(engine: ImageEngine, options: BuildRunnerImageOptions): Promise<BuiltImage> {
  const recipe = await readRecipe(options.recipePath ?? docker);
  const { codexVersion } = recipe;
  const problem = options.checkCodexVersion(codexVersion);
  if (problem !== null) throw new RunError("image-unusable", problem);

  const existing = await engine.readImage(options.image);
  if (existing?.labels[RECIPE_LABEL] === recipe.hash) {
    options.onProgress(`${options.image} is up to date (Codex ${codexVersion})`);
    return { codexVersion, built: "earlier" };
  }
  const folderPath = await mkdtemp(join(tmpdir(), "codex-image-"));
  try {
    await buildIn(folderPath, { ...options, engine, recipe });
  } finally {
    await rm(folderPath, { recursive: true, force: true });
  }
  return { codexVersion, built: "now" };
}

type BuildInOptions = BuildRunnerImageOptions & { engine: ImageEngine; recipe: Recipe };

async function buildIn(
  folderPath: string,
  { engine, recipe, image, onProgress, ...options }: BuildInOptions,
): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const step = (title: string) => reportProgress(title, { onProgress });
  const codexPackage = `@openai/codex@${recipe.codexVersion}-linux-${process.arch}`;

  const parts = [
    step("base image").during((onDetail) => chooseBase(engine, { recipe, folderPath, onProgress, onDetail, signal })),
    step(`npm package ${codexPackage}`).during(() => fetchPackage(codexPackage, { folderPath, signal })),
  ] as const;
  for (const part of parts) part.catch((error) => failed.abort(error));
  await Promise.allSettled(parts);
  signal.throwIfAborted(); // with what failed first, and not with what was stopped for it
  const [base, codexArchivePath] = await Promise.all(parts);

  await step(`image ${image}`).during((onDetail) =>
    engine.buildImage(openBuildContext(recipe, { codexArchivePath }), {
      image,
      network: base.packages === "complete" ? "none" : "default",
      buildArgs: { BASE_IMAGE: base.image },
      labels: { [RECIPE_LABEL]: recipe.hash },
      onProgress: onDetail,
      signal,
    }),
  );
}
