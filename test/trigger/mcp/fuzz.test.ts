import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { tools } from "../../../src/trigger/mcp/tools.ts";
import { createRunId } from "../../../src/run/id.ts";
import { MCP_TOKEN, readAnswer, startMcpServer, type McpServerUnderTest } from "../../helpers/mcp-server.ts";

const CALLS = 10_000;
const AT_ONCE = 8;

let server: McpServerUnderTest;
let session = "";
beforeAll(async () => {
  // Nothing may be worked on, so that a call with good arguments starts nothing either.
  server = await startMcpServer({ ALLOWED_REPOS: "nobody/nothing" });
  session = await server.initialize();
});
afterAll(() => server[Symbol.asyncDispose]());

const Schema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/** Values that a schema allows, as far as it says so in JSON Schema. */
function toArbitrary(json: unknown, name: string): fc.Arbitrary<unknown> {
  const schema = Schema.parse(json);
  if (name === "run_id" || name === "cursor") return fc.constantFrom(createRunId(), "../../state.db", "");
  if (name === "wait") return fc.constantFrom(0, 0.01);
  if (name === "repo")
    return fc.constantFrom("octo-org/hello", "https://example.com/x.git", ".", "..", "/etc", "-x", "ext::sh");
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string":
      return fc.string({ maxLength: 50, unit: "binary" });
    case "integer":
      return fc.integer({ min: Math.max(schema.minimum ?? 0, -1e9), max: Math.min(schema.maximum ?? 1e9, 1e9) });
    case "number":
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1e9, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "object":
      return schema.properties === undefined
        ? fc.dictionary(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), { maxKeys: 4 })
        : toObject(schema);
    case undefined:
    default:
      return fc.jsonValue();
  }
}

function toObject({ properties = {}, required = [] }: z.infer<typeof Schema>): fc.Arbitrary<unknown> {
  const values = Object.fromEntries(Object.entries(properties).map(([name, json]) => [name, toArbitrary(json, name)]));
  return fc.record(values, { requiredKeys: required });
}

/** The same with one thing wrong: a value of another kind, an argument too many, or no object at all. */
function breakOne(good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, -1, 1e18, 1e308, "", "\u0000", "x".repeat(5_000), [], {}, { __proto__: null, a: 1 }),
  );
  const broken = fc.tuple(good, fc.string({ maxLength: 12 }), odd, fc.nat()).map(([args, extra, value, at]) => {
    if (typeof args !== "object" || args === null) return value;
    const names = [...Object.keys(args), extra, "__proto__"];
    return { ...args, [names[at % names.length] ?? extra]: value };
  });
  return fc.oneof({ arbitrary: broken, weight: 6 }, { arbitrary: odd, weight: 1 });
}

const call = fc.oneof(
  ...tools.map(({ name, input }) => {
    const good = toObject(Schema.parse(z.toJSONSchema(input, { io: "input", unrepresentable: "any" })));
    return fc.record({ name: fc.constant(name), arguments: fc.oneof(good, breakOne(good)) });
  }),
  fc.record({
    name: fc.oneof(fc.string(), fc.constantFrom("codex_run\u0000", "__proto__", "constructor", "toString")),
    arguments: fc.jsonValue(),
  }),
);

async function send(params: unknown, id: number): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(`${server.url}/mcp`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${MCP_TOKEN}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-session-id": session,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, answer: await readAnswer(response) };
}

test(
  `${CALLS} calls, made from the tools' own schemas and broken: no crash, no hang, no 5xx, no run`,
  { timeout: 180_000 },
  async () => {
    const calls = fc.sample(call, { numRuns: CALLS, seed: Number(process.env["FUZZ_SEED"] ?? 20_261_129) });
    const statuses = new Map<number, number>();
    const odd: unknown[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < calls.length; index = next++) {
        const params = calls[index];
        const { status, answer } = await send(params, index + 1);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const result = answer["result"] as { isError?: boolean; content?: { text?: string }[] } | undefined;
        const text = result?.content?.map((part) => part.text ?? "").join("") ?? "";
        const isAnswered = result !== undefined || answer["error"] !== undefined;
        if (!isAnswered || /The call failed|undefined|\[object|at .*\.ts:/.test(text))
          odd.push({ params, status, answer });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(odd.slice(0, 3)).toEqual([]);
    expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(CALLS * 0.8);
    expect(await server.product.store.list({ limit: 1 })).toEqual([]);
  },
);
