import { z } from "zod";

/**
 * A tool's schema as JSON Schema, in the words that most clients and models understand: one type at a time, so that "or null"
 * is a branch of its own, and "any further property" is `true`.
 */
export function toToolSchema(
  schema: z.ZodObject,
  { io }: { io: "input" | "output" },
): { type: "object"; [key: string]: unknown } {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  const entries = Object.entries(json).map(([key, value]) => [key, toPortable(value)]);
  return { ...Object.fromEntries(entries), type: "object" };
}

/** The same schema, or whatever stands in one, spelled portably all the way down. */
function toPortable(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(toPortable);
  if (typeof part !== "object" || part === null) return part;
  const entries = Object.entries(part).map(([key, value]): [string, unknown] => [
    key,
    key === "additionalProperties" && isEmpty(value) ? true : toPortable(value),
  ]);
  const { type: types, ...rest } = Object.fromEntries(entries);
  return Array.isArray(types) ? splitTypes(rest, { types }) : Object.fromEntries(entries);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

const ABOUT = ["title", "description", "default", "examples"];

/** What limits the value goes with its type; what is said about it stays outside. */
function splitTypes(rest: Record<string, unknown>, { types }: { types: unknown[] }): Record<string, unknown> {
  const isAbout = ([key]: [string, unknown]): boolean => ABOUT.includes(key);
  const limits = Object.fromEntries(Object.entries(rest).filter((entry) => !isAbout(entry)));
  return {
    ...Object.fromEntries(Object.entries(rest).filter(isAbout)),
    anyOf: types.map((type) => (type === "null" ? { type } : { type, ...limits })),
  };
}
