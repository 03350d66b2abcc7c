import { randomBytes } from "node:crypto";
import { RunError } from "../run/failure.ts";
import type { ContainerEngine } from "./engine.ts";
import { PARTS_PATH } from "./image-facts.ts";

/** The image that a volume's parts are of; every volume of ours carries it, and the container that fills it. */
const PARTS_LABEL = "codex-orchestrator.parts-of";
/** On the volume that can be found by name: which volume holds the parts. */
const CONTENT_LABEL = "codex-orchestrator.parts-in";

type Image = { id: string };

/**
 * The runner's parts for images that lack them are a copy of the runner image's own, in a volume, made once for each runner
 * image. A copy that is being made, or was broken off, must never be taken for a complete one, and two processes may make
 * one at the same time. So each makes a volume with a name that nobody else has, and when it is complete, a second one that is
 * empty and has a label which names the first. This one's name follows from the image: it is found by it, and who comes
 * second finds that it is there.
 */
function toPointerName({ id }: Image): string {
  return `codex-runner-parts-${id.replace(/^sha256:/, "").slice(0, 12)}`;
}

/** The volume with a complete copy of this image's parts. Rejects with `image-missing` when there is none. */
export async function findRunnerParts(
  engine: Pick<ContainerEngine, "readVolume">,
  { image }: { image: Image },
): Promise<string> {
  const found = await readParts(engine, { image });
  if (found !== null) return found;
  const message = `The volume ${toPointerName(image)} with the runner's parts for other images is missing or incomplete.`;
  throw new RunError("image-missing", message, {
    hint: "Make it with `codex-orchestrator image build`, on every machine that takes runs.",
  });
}

async function readParts(
  engine: Pick<ContainerEngine, "readVolume">,
  { image }: { image: Image },
): Promise<string | null> {
  const pointer = await engine.readVolume(toPointerName(image));
  const content = pointer?.labels[CONTENT_LABEL];
  if (content === undefined || pointer?.labels[PARTS_LABEL] !== image.id) return null;
  // A volume that a container was asked for and that was not there is made by the engine, empty and without labels.
  return (await engine.readVolume(content))?.labels[PARTS_LABEL] === image.id ? content : null;
}

/** A copy that nobody has finished within this time was broken off. */
const MAKING_WITHIN_MS = 3_600_000;

export type MadeParts = { volume: string; made: "now" | "earlier" };

/**
 * Sees to it that there is a complete copy of the runner image's parts. Several processes may do so at once: all find the
 * same one afterwards. What is left of others is removed. Rejects with `image-missing`, or with `image-unusable` when none can
 * be made.
 */
export async function makeRunnerParts(engine: ContainerEngine, { image }: { image: string }): Promise<MadeParts> {
  const runner = await engine.readImage(image);
  if (runner === null) throw new RunError("image-missing", `The runner image ${image} does not exist on this engine.`);
  const found = await readParts(engine, { image: runner });
  const parts: MadeParts =
    found === null ? await copyParts(engine, { image: runner }) : { volume: found, made: "earlier" };
  await removeOldParts(engine, { image: runner, volume: parts.volume });
  return parts;
}

async function copyParts(engine: ContainerEngine, { image }: { image: Image }): Promise<MadeParts> {
  const name = toPointerName(image);
  // One that names a copy that is gone stands in the way; one that another process has made meanwhile does not.
  const isThere = (await engine.readVolume(name)) !== null;
  if (isThere && (await readParts(engine, { image })) === null) await engine.removeVolume(name);
  const content = `${name}-${randomBytes(4).toString("hex")}`;
  const labels = { [PARTS_LABEL]: image.id };
  let volume = null;
  try {
    await engine.createVolume({ name: content, labels });
    const proof: [string, string] = [`${PARTS_PATH}/bin/codex`, "--version"];
    await engine.fillVolume(content, { image: image.id, path: PARTS_PATH, proof, labels });
    await engine.createVolume({ name, labels: { ...labels, [CONTENT_LABEL]: content } });
    volume = await findRunnerParts(engine, { image });
    return { volume, made: volume === content ? "now" : "earlier" };
  } finally {
    if (volume !== content) await engine.removeVolume(content);
  }
}

/**
 * Copies of images that are gone, and those that were broken off, with the container that was at it. One that another
 * container has stays.
 */
async function removeOldParts(
  engine: ContainerEngine,
  { image, volume }: { image: Image; volume: string },
): Promise<void> {
  const isOld = ({ createdAt }: { createdAt: Date | null }): boolean =>
    Date.now() - (createdAt?.getTime() ?? 0) > MAKING_WITHIN_MS;
  for (const filler of await engine.listFillers({ label: PARTS_LABEL }))
    if (isOld(filler)) await engine.removeContainer(filler.id);
  for (const { name, labels, createdAt } of await engine.listVolumes({ label: PARTS_LABEL })) {
    const owner = labels[PARTS_LABEL] ?? "";
    const isInUse = name === volume || name === toPointerName(image);
    const isLeft = owner === image.id ? !isInUse && isOld({ createdAt }) : (await engine.readImage(owner)) === null;
    if (isLeft) await engine.removeVolume(name);
  }
}
