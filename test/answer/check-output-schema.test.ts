import { createServer } from "node:http";
import { expect, test } from "vitest";
import { checkOutputSchema } from "../../src/answer/check-output-schema.ts";

function toDeep(levels: number): Record<string, unknown> {
  return levels === 0 ? {} : { not: toDeep(levels - 1) };
}

test.each([
  ["an empty one", {}],
  ["2020-12, where none is named", { type: "object", properties: { a: { type: "string" } }, required: ["a"] }],
  ["2020-12 by name", { $schema: "https://json-schema.org/draft/2020-12/schema", prefixItems: [{ type: "null" }] }],
  [
    "draft-07",
    {
      $schema: "http://json-schema.org/draft-07/schema#",
      definitions: { a: { type: "null" } },
      $ref: "#/definitions/a",
    },
  ],
  [
    "one that refers to itself",
    { $defs: { node: { properties: { next: { $ref: "#/$defs/node" } } } }, $ref: "#/$defs/node" },
  ],
  ["unknown keywords and formats", { format: "colour", "x-mine": 1 }],
  ["a pattern that may take for ever", { type: "string", pattern: "^(a+)+$" }],
])("takes %s", async (_name, schema) => {
  expect(await checkOutputSchema(schema)).toBeNull();
});

test.each([
  ["null", null, /is no JSON object/],
  ["a list", [], /is no JSON object/],
  ["more than 64 KiB", { description: "x".repeat(64 * 1024) }, /takes 65554 bytes; it may take 65536/],
  ["deep nesting", toDeep(70), /nested deeper than 64 levels/],
  ["nesting that no walk survives", { a: JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) }, /nested deeper/],
  ["another dialect", { $schema: "https://example.com/mine" }, /dialect is not known/],
  ["an asynchronous one", { $async: true }, /may not be asynchronous/],
  ["a type that is none", { type: "thing" }, /cannot be used: schema is invalid/],
  ["a pattern that is none", { pattern: "(" }, /cannot be used: .*(?:egular expression|regular)/i],
  ["a reference to nowhere", { $ref: "#/$defs/missing" }, /cannot be used: can't resolve reference/],
])("refuses %s in a sentence", async (_name, schema, words) => {
  expect(await checkOutputSchema(schema)).toMatch(words);
});

test("fetches nothing for a reference elsewhere", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await checkOutputSchema({ $ref: `http://127.0.0.1:${port}/schema.json` })).toMatch(/can't resolve reference/);
  expect(asked).toEqual([]);
  server.close();
});
