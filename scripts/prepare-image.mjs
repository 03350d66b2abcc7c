import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { askEngine, findEndpoint } from "./docker-engine.mjs";
import { reportStep } from "./report-step.mjs";
import { runInForeground } from "./run-in-foreground.mjs";
import { SetUpError } from "./set-up-error.mjs";

const entry = fileURLToPath(new URL("../bin/codex-orchestrator.mjs", import.meta.url));
const recipe = ["docker/Dockerfile", "docker/run-entry"];

/**
 * Sees to it that the runner image is there and made from the Dockerfile as it stands; builds it otherwise. Rejects when
 * it can't be built; the reason is on the terminal then.
 *
 * @param {{ node: string, env?: Record<string, string | undefined> }} options the Node to run the product with
 */
export async function prepareImage({ node, env = process.env }) {
  const image = env.CODEX_IMAGE || "codex-runner:latest";
  if (isCurrent(await readLabels(image))) return;
  await reportStep(() => buildImage({ node }), {
    begin: `building the runner image ${image}`,
    end: `runner image ${image} built`,
    repeatMs: null,
  });
}

/** @param {{ node: string }} options */
async function buildImage({ node }) {
  const exitCode = await runInForeground([node, entry, "image", "build"]);
  if (exitCode !== 0) throw new SetUpError("The runner image could not be built; what was wrong stands above.");
}

/**
 * @param {string} image
 * @returns {Promise<Record<string, string>>} none when there is no such image
 */
async function readLabels(image) {
  const answer = await askEngine(`/images/${encodeURI(image)}/json`, findEndpoint());
  if (!("status" in answer) || answer.status !== 200) return {};
  return JSON.parse(answer.body).Config?.Labels ?? {};
}

/** @param {Record<string, string>} labels an image that does not tell its recipe was built by hand: that is its owner's */
function isCurrent(labels) {
  const recipeHash = labels["codex-orchestrator.recipe"];
  const isOfRecipe = recipeHash === undefined || recipeHash === readRecipeHash();
  return isOfRecipe && labels["codex-orchestrator.codex-version"] === readCodexVersion();
}

/** The version that the Dockerfile pins, the one place where it stands. */
function readCodexVersion() {
  return /^ARG CODEX_VERSION=(\S+)/m.exec(readFileSync(new URL(`../${recipe[0]}`, import.meta.url), "utf8"))?.[1];
}

function readRecipeHash() {
  const hash = createHash("sha256");
  for (const path of recipe) hash.update(readFileSync(new URL(`../${path}`, import.meta.url)));
  return hash.digest("hex");
}
