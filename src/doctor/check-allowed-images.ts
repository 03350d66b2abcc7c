import type { Config } from "../config.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { findRunnerParts } from "../container/runner-parts.ts";
import { fail, pass, type Finding } from "./check.ts";

/**
 * Whether the images that ALLOWED_IMAGES names in full are there, since none is ever fetched for a run, and what they get of
 * the runner image. Rejects with `image-missing` when that is not there.
 */
export async function checkAllowedImages(
  engine: ContainerEngine,
  { allowedImages: globs, image }: Pick<Config, "allowedImages" | "image">,
): Promise<Finding> {
  const names = (globs ?? []).filter((glob) => !/[*?[\]{}()!+]/.test(glob));
  const views = await Promise.all(names.map((name) => engine.readImage(name)));
  const missing = names.filter((_, index) => views[index] === null);
  if (missing.length > 0) {
    return fail(`ALLOWED_IMAGES names ${missing.join(", ")}, which the engine does not have`, {
      mend: `Fetch it (\`docker pull ${missing[0]}\`), or take it out of ALLOWED_IMAGES.`,
    });
  }
  const count = globs?.length ?? 0;
  if (count === 0) return pass("repositories may use the standard image alone");
  const runner = await engine.readImage(image);
  if (runner !== null) await findRunnerParts(engine, { image: runner });
  return pass(
    names.length === 0 ? null : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} there`,
    runner === null ? null : "the volume with the runner's parts is complete",
    names.length === count ? null : `${count - names.length} of the names in ALLOWED_IMAGES are patterns`,
  );
}
