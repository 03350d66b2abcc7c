import { z } from "zod";

/** What became of one picture of a request, in their order: it goes with the prompt, or half a sentence why it does not. */
export const PictureNote = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("attached"), path: z.string() }),
  z.object({ kind: z.literal("missing"), why: z.string() }),
]);
export type PictureNote = z.infer<typeof PictureNote>;
