import type { ContainerEngine } from "../container/engine.ts";
import { RECIPE_LABEL } from "../image/recipe.ts";
import { RunError } from "../run/failure.ts";
import type { Pruned } from "./report.ts";

export type PruneImagesOptions = {
  engine: Pick<ContainerEngine, "listLeftImages" | "removeLeftImage" | "readImage">;
  /** The image that runs get, which may be named by its id. */
  image: string;
  before: Date;
  how: "look" | "remove";
};

/**
 * Removes the runner images that `image build` made before that moment and that a later build took the name of; nothing that
 * something uses, and nothing that others built. An engine that is away is passed over.
 */
export async function pruneImages({ engine, image, before, how }: PruneImagesOptions): Promise<Pruned[]> {
  try {
    const inUse = (await engine.readImage(image))?.id;
    const left = await engine.listLeftImages({ label: RECIPE_LABEL });
    const pruned: Pruned[] = [];
    for (const { id, bytes, createdAt } of left) {
      if (id === inUse || createdAt >= before) continue;
      if (how === "look" || (await engine.removeLeftImage(id))) pruned.push({ name: id, bytes });
    }
    return pruned;
  } catch (error) {
    if (error instanceof RunError && error.failure.reason === "docker-unavailable") return [];
    throw error;
  }
}
