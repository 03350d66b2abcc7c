import type { Readable } from "node:stream";

/** What an engine says about an image, as far as building one needs it. */
export type ExistingImage = { id: string; labels: Record<string, string> };

export type ProgressOptions = { onProgress?: ((line: string) => void) | undefined; signal?: AbortSignal | undefined };

/** What we need of a container engine to make images; the container room has the one that speaks to Docker. */
export interface ImageEngine {
  readImage(image: string): Promise<ExistingImage | null>;
  pullImage(image: string, options: ProgressOptions): Promise<void>;
  importImage(tar: Readable, options: ProgressOptions & { image: string; changes: string[] }): Promise<void>;
  buildImage(
    context: Readable,
    options: ProgressOptions & {
      image: string;
      network: "default" | "none";
      buildArgs: Record<string, string>;
      labels: Record<string, string>;
    },
  ): Promise<void>;
}
