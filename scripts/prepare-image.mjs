import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { askEngine, findEndpoint } from "./docker-engine.mjs";
import { reportStep } from "./report-step.mjs";
import { runInForeground } from "./run-in-foreground.mjs";
import { SetUpError } from "./set-up-error.mjs";

const entry = fileURLToPath(new URL("../bin/codex-orchestrator.mjs", import.meta.url));
const recipe = ["docker/Dockerfile", "docker/run-entry", "docker/git"];
const recipeLabel = "codex-orchestrator.recipe";

/**
 * Sees to it that the runner image is there and made from the Dockerfile as it stands, with the volume of its parts for other
 * images; makes what is missing. Rejects when it can't be made; the reason is on the terminal then.
 *
 * @param {{ node: string, env?: Record<string, string | undefined> }} options the Node to run the product with
 */
export async function prepareImage({ node, env = process.env }) {
  const image = env.CODEX_IMAGE || "codex-runner:latest";
  const { id, labels } = await readImage(image);
  const isOwners = labels[recipeLabel] === undefined;
  if (isCurrent(labels) && (isOwners || (await hasParts(id)))) return;
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
 * @returns {Promise<{ id: string, labels: Record<string, string> }>} no labels when there is no such image
 */
async function readImage(image) {
  const answer = await askEngine(`/images/${encodeURI(image)}/json`, findEndpoint());
  if (!("status" in answer) || answer.status !== 200) return { id: "", labels: {} };
  const { Id: id, Config: config } = JSON.parse(answer.body);
  return { id, labels: config?.Labels ?? {} };
}

/** Whether other images can get the runner's parts (src/container/runner-parts.ts). */
async function hasParts(/** @type {string} */ id) {
  const volume = `codex-runner-parts-${id.replace(/^sha256:/, "").slice(0, 12)}`;
  const answer = await askEngine(`/volumes/${volume}`, findEndpoint());
  return "status" in answer && answer.status === 200;
}

/** @param {Record<string, string>} labels an image that does not tell its recipe was built by hand: that is its owner's */
function isCurrent(labels) {
  const recipeHash = labels[recipeLabel];
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
