import { checkCodexVersion } from "../codex/version.ts";
import type { Config } from "../config.ts";
import { createDockerEngine } from "../container/docker-engine.ts";
import { findEndpoint } from "../container/find-endpoint.ts";
import { makeRunnerParts } from "../container/runner-parts.ts";
import { buildRunnerImage } from "../image/build-image.ts";

/**
 * `image build`: makes the runner image under the configured name, and the volume with its parts for other images. Rejects
 * with `RunError`, saying what to do.
 */
export async function buildConfiguredImage(
  { image, docker }: Config,
  { write }: { write: (line: string) => void },
): Promise<void> {
  const engine = createDockerEngine({ endpoint: findEndpoint(docker) });
  const { codexVersion, built } = await buildRunnerImage(engine, { image, onProgress: write, checkCodexVersion });
  if (built === "now") write(`${image} is built, with Codex ${codexVersion}`);
  const { volume, made } = await makeRunnerParts(engine, { image });
  if (made === "now") write(`the volume ${volume} is filled: it brings other images what a run needs`);
}
