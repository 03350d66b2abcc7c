import { RunError } from "../run/failure.ts";
import { type AptSource, findAptSource } from "./apt-source.ts";
import type { ImageEngine } from "./image-engine.ts";
import { makeBase } from "./make-base.ts";
import type { Recipe } from "./recipe.ts";

/** `complete` holds all that the Dockerfile would fetch; the official image needs Debian's packages added. */
export type Base = { image: string; packages: "complete" | "missing" };

export type ChooseBaseOptions = {
  recipe: Recipe;
  /** Existing folder for what is made on the way. */
  folderPath: string;
  /** Gets what was decided, and why. */
  onProgress: (line: string) => void;
  /** Gets everything that the tools say. */
  onDetail: (line: string) => void;
  signal: AbortSignal;
  /** What is known of this machine; default: what it says itself. */
  machine?: Machine;
};

export type Machine = { aptSource: AptSource | null; uid: number | undefined };

/** A registry that says nothing for so long counts as one that cannot be reached. */
const REGISTRY_SILENCE_MS = 15_000;

/**
 * Finds the image that the runner image starts from: the official one when it is here or can be fetched, else one that
 * an earlier build made on this machine, else a new one.
 */
export async function chooseBase(engine: ImageEngine, options: ChooseBaseOptions): Promise<Base> {
  const { recipe, onProgress } = options;
  const official = recipe.defaultBase;
  if ((await engine.readImage(official)) !== null) return { image: official, packages: "missing" };

  const machine = options.machine ?? { aptSource: await findAptSource(), uid: process.getuid?.() };
  const ownImage = `codex-runner-base:node24-${machine.aptSource?.suite ?? "none"}`;
  if ((await engine.readImage(ownImage)) !== null) {
    onProgress(`using the base image ${ownImage}, which was made on this machine`);
    return { image: ownImage, packages: "complete" };
  }
  const problem = await pullOrExplain(engine, { ...options, image: official });
  if (problem === null) return { image: official, packages: "missing" };

  onProgress(`no container registry (${problem}): making the base image from Debian packages and npm's Node instead`);
  await makeBase(engine, { ...options, image: ownImage, source: checkMachine(machine) });
  return { image: ownImage, packages: "complete" };
}

/** Null when the image is here now, else why not. */
async function pullOrExplain(
  engine: ImageEngine,
  { image, onDetail, signal }: ChooseBaseOptions & { image: string },
): Promise<string | null> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), REGISTRY_SILENCE_MS);
  const heard = (line: string) => {
    timer.refresh();
    onDetail(line);
  };
  try {
    await engine.pullImage(image, { onProgress: heard, signal: AbortSignal.any([signal, silence.signal]) });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (silence.signal.aborted) return `nothing heard for ${REGISTRY_SILENCE_MS / 1000} s`;
    return error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Says exactly what to do where a base cannot be made. */
function checkMachine({ aptSource, uid }: Machine): AptSource {
  const elsewhere = "load node:24-bookworm-slim into the engine (`docker save` on another machine, `docker load` here)";
  if (aptSource === null) {
    throw new RunError(
      "image-unusable",
      "The base image cannot be made on this machine: that needs Debian or Ubuntu, with its mirror in apt's sources.",
      { hint: `Give the engine a container registry, or ${elsewhere}, then run \`codex-orchestrator image build\`.` },
    );
  }
  if (uid !== 0) {
    throw new RunError("image-unusable", "Only root can make the base image (debootstrap needs it).", {
      hint: `Run \`sudo codex-orchestrator image build\` once, or ${elsewhere}.`,
    });
  }
  return aptSource;
}
