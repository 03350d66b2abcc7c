import { RunError } from "../run/failure.ts";
import type { ContainerEngine, ImageView } from "./engine.ts";
import { type ImageFacts, sortDeclaredVolumes } from "./image-facts.ts";
import { findRunnerParts } from "./runner-parts.ts";

/** The image that a run's containers are made from. */
export type RunImage = ImageFacts & {
  /** The name that it was asked for by. */
  name: string;
  /** What registries call it: `name@sha256:…`; null for one that came from none. */
  digest: string | null;
  /** Which Codex runs in it; null when the runner image does not say. */
  codexVersion: string | null;
};

export type FindRunImageOptions = {
  image: string;
  /** The runner image, whose parts any other image gets. */
  standard: string;
};

/**
 * Finds an image, and what it lacks. Rejects with `image-missing`, or with `image-unusable` for one that cannot be a run's;
 * nothing is ever fetched.
 */
export async function findRunImage(
  engine: Pick<ContainerEngine, "readImage" | "readVolume">,
  { image, standard }: FindRunImageOptions,
): Promise<RunImage> {
  const [found, runner] = await readBoth(engine, { image, standard });
  if (runner === null) {
    throw new RunError("image-missing", `The runner image ${standard} does not exist on this engine.`);
  }
  if (found === null) {
    throw new RunError("image-missing", `The image ${image} does not exist on this engine.`, {
      hint: "Fetch it with `docker pull` on every machine that takes runs: a run never fetches an image.",
    });
  }
  const { id, digest, variables } = found;
  const { free, ours } = sortDeclaredVolumes(found.declaredVolumes);
  if (ours.length > 0) {
    throw new RunError(
      "image-unusable",
      `The image ${image} declares a volume in a place of the run's own: ${ours[0]}.`,
      {
        hint: "Name another image in the repository's settings, or build this one without that VOLUME.",
      },
    );
  }
  const partsVolume = id === runner.id ? null : await findRunnerParts(engine, { image: runner });
  const codexVersion = runner.codexVersion;
  return { name: image, id, digest, variables, declaredVolumes: free, partsVolume, codexVersion };
}

/** Nearly always they are the same. */
async function readBoth(
  engine: Pick<ContainerEngine, "readImage">,
  { image, standard }: FindRunImageOptions,
): Promise<[ImageView | null, ImageView | null]> {
  const runner = engine.readImage(standard);
  return Promise.all([image === standard ? runner : engine.readImage(image), runner]);
}

/** Finds an image once: all containers of a run are made from the same one, whatever its name comes to mean meanwhile. */
export function createImageFinder(
  engine: Pick<ContainerEngine, "readImage" | "readVolume">,
  options: FindRunImageOptions,
): () => Promise<RunImage> {
  let finding: Promise<RunImage> | null = null;
  return () => {
    finding ??= findRunImage(engine, options).catch((error: unknown) => {
      finding = null;
      throw error;
    });
    return finding;
  };
}
