import { z } from "zod";

/** The image that a run's containers were really made from. */
export const UsedImage = z.object({
  /** As it was asked for. */
  name: z.string(),
  /** The engine's own name of it, `sha256:…`, which changes with every byte. */
  id: z.string(),
  /** What registries call it, `name@sha256:…`; null for one that came from none. */
  digest: z.string().nullable(),
});
export type UsedImage = z.infer<typeof UsedImage>;

/** A line of the run's log. */
export function toImageLine({ name, id, digest }: UsedImage): string {
  return `[image] ${name} is ${id}${digest === null ? "" : `, ${digest}`}`;
}
