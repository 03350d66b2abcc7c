import { z } from "zod";

const Delivery = z.object({ headers: z.record(z.string(), z.union([z.string(), z.number()])), body: z.string() });

/** What to send, and where to. */
export const BurstJob = z.object({
  port: z.number(),
  path: z.string(),
  deliveries: z.array(Delivery),
  /** How often each is sent; what is sent again is the same delivery. */
  times: z.number(),
  /** Within how many milliseconds all of them go out; 0 for all at once. */
  withinMs: z.number(),
});
export type BurstJob = z.infer<typeof BurstJob>;

/** How they were answered; times in milliseconds, from opening the connection to the answer's head. */
export const Burst = z.object({
  answers: z.number(),
  statuses: z.array(z.number()),
  p50: z.number(),
  p99: z.number(),
  max: z.number(),
});
export type Burst = z.infer<typeof Burst>;
