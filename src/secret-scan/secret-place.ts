import { z } from "zod";

/** Where something secret stands in a change. Nothing in it is the secret itself, but for the path, which may hold one. */
export const SecretPlace = z.object({
  path: z.string(),
  /** Counted from 1 in the file as it is afterwards; null when the name of the file holds it, or the file is not text. */
  line: z.int().positive().nullable(),
  /** What it is: the name that the scanner has for it. */
  rule: z.string(),
});
export type SecretPlace = z.infer<typeof SecretPlace>;

/** The rule of what is found by its exact value. */
export const KNOWN_VALUE = "known value";

/** The most places that are told of one change. */
export const MAX_PLACES = 20;

/** What the thread is told. */
export const ScanOrder = z.object({ patchPath: z.string() });
export type ScanOrder = z.infer<typeof ScanOrder>;

/** What the thread says: that it begins, and what it found. */
export const ScanMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("found"), places: z.array(SecretPlace) }),
]);
export type ScanMessage = z.infer<typeof ScanMessage>;
