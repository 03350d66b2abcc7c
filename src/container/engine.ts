import type { Readable } from "node:stream";
import type { ContainerSpec } from "./container-spec.ts";

/** Where a container stands in its life, as the engine tells it. */
export type ContainerState = {
  status: "created" | "running" | "exited" | "other";
  exitCode: number;
  /** The kernel's memory killer hit a process of it; that may have been a child only, with exit code 0 for the whole. */
  outOfMemory: boolean;
};

export type ContainerView = { profile: ContainerSpec; state: ContainerState };
/** Both streams end when the container has ended and everything was read, or when the connection breaks. */
export type ContainerOutput = {
  stdout: Readable;
  stderr: Readable;
  /** The first 1 KiB of stderr, also when somebody else reads it: what a broken image says. To be called after the end. */
  readFirstWords: () => Promise<string>;
  /**
   * Ends the connection; what was received can still be read. Needed to stop a container whose output nobody reads:
   * Docker (seen with 20.10) answers no call about it, not even a kill, while its output waits for a reader.
   */
  close: () => void;
};
export type FoundContainer = { id: string; runId: string; status: string };

/** An image as we use it; `codexVersion` is null for one that was not made by our Dockerfile. */
export type ImageView = {
  id: string;
  codexVersion: string | null;
  architecture: string;
  labels: Record<string, string>;
};

export type EngineInfo = {
  version: string;
  /** When this version was built, or null when the engine does not say. */
  builtAt: Date | null;
  operatingSystem: string;
  architecture: string;
  defaultRuntime: string;
  runtimes: string[];
  cgroupVersion: string;
  rootFolder: string;
};

export type ProgressOptions = { onProgress?: ((line: string) => void) | undefined; signal?: AbortSignal | undefined };

/** Making images. A tar that is half sent makes no image. */
export interface ImageEngine {
  readImage(image: string): Promise<ImageView | null>;
  /** Fetches an image from its registry; rejects with the registry's own words when it cannot be reached. */
  pullImage(image: string, options: ProgressOptions): Promise<void>;
  importImage(tar: Readable, options: ProgressOptions & { image: string; changes: string[] }): Promise<void>;
  /** Builds `Dockerfile` of the tar; rejects with the failing step's output. */
  buildImage(context: Readable, options: BuildImageOptions): Promise<void>;
}

export type BuildImageOptions = ProgressOptions & {
  image: string;
  /** Network of the build's own steps. */
  network: "default" | "none";
  buildArgs: Record<string, string>;
  labels: Record<string, string>;
};

/**
 * What we need of a container engine.
 *
 * Every method rejects with a `RunError` of reason `docker-unavailable` when the engine cannot be reached.
 */
export interface ContainerEngine extends ImageEngine {
  /** Resolves to the container's id. Rejects with `image-missing`; an image is never pulled. */
  createContainer(spec: ContainerSpec): Promise<string>;
  /** Null when there is no such container (any more). */
  inspectContainer(id: string): Promise<ContainerView | null>;
  /** To be called before the start, so that no byte is missed. Reading slowly slows the container down. */
  attachContainer(id: string): Promise<ContainerOutput>;
  /** Rejects with `image-unusable` when what the image holds cannot be started. */
  startContainer(id: string): Promise<void>;
  /** Resolves once the container has ended. Rejects when the connection breaks before that. */
  waitContainer(id: string, options: { signal: AbortSignal }): Promise<void>;
  /** Resolves also when the container has ended already. */
  signalContainer(id: string, options: { signal: "SIGTERM" | "SIGKILL" }): Promise<void>;
  /** Removes it, whether it runs or not; resolves also when it is gone already. */
  removeContainer(id: string): Promise<void>;
  /** All containers of this orchestrator, running or not. */
  listRunContainers(options: { instanceId: string }): Promise<FoundContainer[]>;
  readEngineInfo(): Promise<EngineInfo>;
}
