import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../run/failure.ts";

/** What the runner image is made from, as it stands in `docker/`. */
export type Recipe = {
  files: { name: string; mode: number; bytes: Buffer }[];
  /** Pinned in the Dockerfile, and nowhere else. */
  codexVersion: string;
  /** The base that the Dockerfile names: an official image with Node. */
  defaultBase: string;
  /** Changes with every byte of the files; the image carries it, so that an unchanged one is not built again. */
  hash: string;
};

export const RECIPE_LABEL = "codex-orchestrator.recipe";

const recipeFiles = [
  { name: "Dockerfile", mode: 0o644 },
  { name: "run-entry", mode: 0o755 },
  { name: "git", mode: 0o755 },
];

/** Reads the recipe. Rejects when the Dockerfile does not name its base and its Codex version. */
export async function readRecipe(folderPath: string): Promise<Recipe> {
  const files = await Promise.all(
    recipeFiles.map(async ({ name, mode }) => ({ name, mode, bytes: await readFile(join(folderPath, name)) })),
  );
  const hash = createHash("sha256");
  for (const { bytes } of files) hash.update(bytes);
  const dockerfile = files[0]?.bytes.toString("utf8") ?? "";
  return {
    files,
    codexVersion: readArgument(dockerfile, { name: "CODEX_VERSION" }),
    defaultBase: readArgument(dockerfile, { name: "BASE_IMAGE" }),
    hash: hash.digest("hex"),
  };
}

function readArgument(dockerfile: string, { name }: { name: string }): string {
  const value = new RegExp(`^ARG ${name}=(\\S+)`, "m").exec(dockerfile)?.[1];
  if (value === undefined) throw new RunError("internal", `docker/Dockerfile does not say \`ARG ${name}=\`.`);
  return value;
}
