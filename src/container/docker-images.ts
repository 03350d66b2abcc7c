import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { z } from "zod";
import type { RunError } from "../run/failure.ts";
import { EngineRefusal, readStatusCode, toEngineError } from "./docker-errors.ts";
import { followProgress } from "./docker-progress.ts";
import type { BuildImageOptions, ImageEngine, ImageView, ProgressOptions } from "./engine.ts";
import { readJsonAnswer } from "./read-answer.ts";

export const CODEX_VERSION_LABEL = "codex-orchestrator.codex-version";

/** The part of the engine that makes images. */
export function createDockerImages(docker: Docker, { withinMs }: { withinMs: number }): ImageEngine {
  return {
    readImage: (image) => readImage(docker, { image, withinMs }),
    pullImage: (image, options) => pullImage(docker, { ...options, image }),
    importImage: (tar, options) => importImage(docker, { ...options, tar }),
    buildImage: (context, options) => buildImage(docker, { ...options, context }),
  };
}

const Image = z.object({
  Id: z.string(),
  Architecture: z.string().default(""),
  RepoDigests: z.array(z.string()).nullish(),
  Config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

type ReadOptions = { image: string; withinMs: number };

async function readImage(docker: Docker, { image, withinMs }: ReadOptions): Promise<ImageView | null> {
  try {
    return parseImage(await readJsonAnswer(docker, { path: `/images/${image}/json`, withinMs }));
  } catch (cause) {
    if (readStatusCode(cause) === 404) return null;
    throw toEngineError(cause, { doing: `describe the image ${image}`, refusal: "image-unusable" });
  }
}

/** Reads what the engine says about an image. Rejects a document without an id. */
export function parseImage(document: unknown): ImageView {
  const { Id, Architecture, RepoDigests, Config } = Image.parse(document);
  const labels = Config?.Labels ?? {};
  return {
    ...{ id: Id, codexVersion: labels[CODEX_VERSION_LABEL] ?? null, architecture: Architecture, labels },
    digest: RepoDigests?.[0] ?? null,
    variables: Object.fromEntries((Config?.Env ?? []).map(toVariable)),
    declaredVolumes: Object.keys(Config?.Volumes ?? {}),
  };
}

function toVariable(line: string): [string, string] {
  const [name = ""] = line.split("=", 1);
  return [name, line.slice(name.length + 1)];
}

async function pullImage(
  docker: Docker,
  { image, onProgress, signal }: ProgressOptions & { image: string },
): Promise<void> {
  try {
    // Not dockerode's `pull`, which takes the port of a registry for a tag.
    const answer = await docker.createImage({ fromImage: image, abortSignal: signal });
    await followProgress(answer, { onProgress });
  } catch (cause) {
    throw toEngineError(cause, { doing: `fetch the image ${image}`, refusal: "image-missing" });
  }
}

type ImportOptions = ProgressOptions & { tar: Readable; image: string; changes: string[] };

async function importImage(docker: Docker, { tar, image, changes, onProgress, signal }: ImportOptions): Promise<void> {
  try {
    const answer = await docker.importImage(tar, { repo: image, changes, abortSignal: signal });
    await followProgress(answer, { onProgress });
  } catch (cause) {
    throw toMakeError(cause, { doing: `import the image ${image}`, tar });
  }
}

type BuildOptions = BuildImageOptions & { context: Readable };

async function buildImage(docker: Docker, options: BuildOptions): Promise<void> {
  const { context, image, network, buildArgs, labels, onProgress, signal } = options;
  try {
    const query = {
      t: image,
      networkmode: network,
      buildargs: buildArgs,
      labels,
      rm: true,
      forcerm: true,
      ...(signal ? { abortSignal: signal } : {}),
    };
    const answer = await docker.buildImage(context, query);
    await followProgress(answer, { onProgress });
  } catch (cause) {
    throw toMakeError(cause, { doing: `build the image ${image}`, tar: context });
  }
}

/** When what was sent broke off, that is the cause, and not the connection that was closed for it. */
function toMakeError(error: unknown, { doing, tar }: { doing: string; tar: Readable }): RunError {
  const cause = tar.errored === null ? error : new EngineRefusal(tar.errored.message, { cause: tar.errored });
  const hint = "Mend what the message names, then run `codex-orchestrator image build` again.";
  return toEngineError(cause, { doing, refusal: "image-unusable", hint });
}
