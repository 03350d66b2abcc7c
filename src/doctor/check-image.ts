import { checkCodexVersion } from "../codex/version.ts";
import type { ContainerEngine, ImageView } from "../container/engine.ts";
import { toRunFailure } from "../run/failure.ts";
import { fail, pass, type Finding } from "./check.ts";

/** Whether the runner image is there, was made by our Dockerfile, and holds a Codex that is new enough. */
export async function checkImage(engine: ContainerEngine, { image }: { image: string }): Promise<Finding> {
  return judgeImage(await engine.readImage(image), { image });
}

type ImageFindings = Pick<ImageView, "id" | "codexVersion" | "architecture">;

/** Judges what the engine says about the image. */
export function judgeImage(view: ImageFindings | null, { image }: { image: string }): Finding {
  const rebuild = toRunFailure("image-unusable", { message: image }).hint;
  if (view === null) {
    const detail = `the image ${image} does not exist`;
    return fail(detail, { mend: toRunFailure("image-missing", { message: detail }).hint });
  }
  if (view.codexVersion === null) {
    return fail(`the image ${image} was not made by docker/Dockerfile: it does not name its Codex version`, {
      mend: rebuild,
    });
  }
  const wrong = checkCodexVersion(view.codexVersion);
  if (wrong !== null) return fail(`${image}: ${wrong}`, { mend: rebuild });
  return pass(`${image} holds Codex ${view.codexVersion} (${view.architecture})${toPinNote(view, { image })}`);
}

/** A tag can come to mean another image between two runs; a digest cannot. */
function toPinNote({ id }: ImageFindings, { image }: { image: string }): string {
  const isPinned = /(?:^|@)sha256:[0-9a-f]{64}$/.test(image);
  return isPinned ? "" : `; a tag can be moved, CODEX_IMAGE=${id} keeps to this image`;
}
