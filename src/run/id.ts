import { randomUUIDv7 } from "node:crypto";
import { z } from "zod";

/** The name of one run: a UUID of version 7, so ids sort by the time they were made (RFC 9562, 5.7). */
export const RunId = z.uuidv7().brand<"RunId">();
export type RunId = z.infer<typeof RunId>;

/** Makes a run id that no other run has. */
export function createRunId(): RunId {
  return RunId.parse(randomUUIDv7());
}

/** When the id was made: the first 48 bits of a UUIDv7 are milliseconds since 1970. */
export function toMoment(runId: RunId): Date {
  return new Date(Number.parseInt(runId.replace("-", "").slice(0, 12), 16));
}

/** The last 8 characters, for branch names: the first 8 of a UUIDv7 are its clock and would collide. */
export function toShortId(runId: RunId): string {
  return runId.slice(-8);
}
