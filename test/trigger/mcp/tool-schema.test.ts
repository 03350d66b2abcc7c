import { expect, test } from "vitest";
import { z } from "zod";
import { tools } from "../../../src/trigger/mcp/tools.ts";
import { toToolSchema } from "../../../src/trigger/mcp/tool-schema.ts";

/** Every schema inside a schema, and itself. */
function listSchemas(schema: unknown): Record<string, unknown>[] {
  if (typeof schema !== "object" || schema === null) return [];
  return [schema as Record<string, unknown>, ...Object.values(schema).flatMap(listSchemas)];
}

test("a schema says its types one by one, since not every client understands a list of them", () => {
  const schema = z.strictObject({ name: z.string().max(5).nullable().describe("Its name."), plain: z.string() });
  expect(toToolSchema(schema, { io: "output" })).toEqual({
    ...{ type: "object", additionalProperties: false, required: ["name", "plain"] },
    properties: {
      name: { description: "Its name.", anyOf: [{ type: "string", maxLength: 5 }, { type: "null" }] },
      plain: { type: "string" },
    },
  });
});

test("an object of anything says so with `true`", () => {
  const schema = z.strictObject({ extra: z.record(z.string(), z.unknown()) });
  expect(toToolSchema(schema, { io: "input" })).toMatchObject({
    properties: { extra: { type: "object", additionalProperties: true } },
  });
});

test.each(
  tools.flatMap(({ name, input, output }) => [
    { name, io: "input" as const, schema: input },
    { name, io: "output" as const, schema: output },
  ]),
)("the $io of $name is an object and holds no list of types", ({ io, schema }) => {
  const json = toToolSchema(schema, { io });
  expect(json.type).toBe("object");
  expect(listSchemas(json).filter(({ type }) => Array.isArray(type))).toEqual([]);
});
