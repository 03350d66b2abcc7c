import { z } from "zod";

/** What the thread is to do: compile the schema and, if there is one, check the answer. */
export const Job = z.object({
  schema: z.record(z.string(), z.unknown()),
  answer: z.object({ data: z.unknown() }).optional(),
});
export type Job = z.infer<typeof Job>;

/** What it found. */
export const Finding = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("fits") }),
  z.object({ kind: z.literal("misfit"), path: z.string(), why: z.string() }),
  z.object({ kind: z.literal("bad-schema"), why: z.string() }),
]);
export type Finding = z.infer<typeof Finding>;

export const Message = z.discriminatedUnion("kind", [z.object({ kind: z.literal("ready") }), ...Finding.options]);
