import { z } from "zod";

/** What became of the answer of a run that was asked for one by a schema. `problem` is one sentence. */
export const AgentAnswer = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("valid"), data: z.unknown() }),
  z.object({ kind: z.literal("invalid"), problem: z.string().min(1) }),
]);
export type AgentAnswer = z.infer<typeof AgentAnswer>;
