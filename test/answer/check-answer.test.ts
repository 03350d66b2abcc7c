import { expect, test } from "vitest";
import { checkAnswer } from "../../src/answer/check-answer.ts";

const schema = {
  type: "object",
  properties: { name: { type: "string" }, sizes: { type: "array", items: { type: "integer" } } },
  required: ["name"],
  additionalProperties: false,
};

test.each([
  ["as it is", `{"name":"x"}`],
  ["with a marker after it", `{"name":"x"}\n::MCP_STATUS::DONE`],
  ["with space around it", `\n {"name": "x"}\n\n::MCP_STATUS::NEED_USER\n`],
])("an answer that fits is read %s", async (_name, message) => {
  expect(await checkAnswer(message, { schema })).toEqual({ kind: "valid", data: { name: "x" } });
});

test.each([
  ["null", { type: "null" }, "null", null],
  ["false", {}, "false", false],
  ["a number", { type: "number" }, "1.5", 1.5],
])("%s may be an answer", async (_name, given, message, data) => {
  expect(await checkAnswer(message, { schema: given })).toEqual({ kind: "valid", data });
});

test.each([
  ["nothing", null, "Codex gave no answer."],
  ["words", "I did it.\n::MCP_STATUS::DONE", "The answer is not JSON."],
  ["JSON in a frame", '```json\n{"name":"x"}\n```', "The answer is not JSON."],
  ["what is missing", "{}", "The answer does not fit the schema: it must have required property 'name'."],
  ["a wrong type", `{"name":"x","sizes":[1,"2"]}`, "The answer does not fit the schema: /sizes/1 must be integer."],
  [
    "what is too much",
    `{"name":"x","b":1}`,
    "The answer does not fit the schema: it must NOT have additional properties (b).",
  ],
  [
    "what only looks as if it were there",
    `{"toString":1}`,
    "The answer does not fit the schema: it must have required property 'name'.",
  ],
])("an answer of %s is told in one sentence", async (_name, message, problem) => {
  expect(await checkAnswer(message, { schema })).toEqual({ kind: "invalid", problem });
});

test("what every object inherits is not there", async () => {
  const answer = await checkAnswer("{}", { schema: { type: "object", required: ["constructor"] } });
  expect(answer).toMatchObject({ kind: "invalid" });
});

test("an answer that is nested too deeply is told so", async () => {
  const answer = await checkAnswer(`${"[".repeat(100_000)}${"]".repeat(100_000)}`, { schema: {} });
  expect(answer).toEqual({ kind: "invalid", problem: "The answer is nested deeper than 64 levels." });
});

test("a pattern that takes for ever is given up after two seconds, and holds nothing up meanwhile", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 100);
  const begun = performance.now();
  const answer = await checkAnswer(JSON.stringify(`${"a".repeat(60)}!`), { schema: { pattern: "^(a+)+$" } });
  clearInterval(timer);
  expect(answer).toMatchObject({ kind: "invalid", problem: expect.stringMatching(/takes too long/) });
  expect(performance.now() - begun).toBeLessThan(15_000);
  expect(ticks).toBeGreaterThan(10);
});

test("a schema that recurs without end is given up", async () => {
  const answer = await checkAnswer("{}", { schema: { allOf: [{ $ref: "#" }] } });
  expect(answer).toMatchObject({ kind: "invalid" });
});

test("a schema whose branches multiply is given up", async () => {
  const levels = Array.from({ length: 40 }, (_, at) => {
    const next = { $ref: `#/$defs/level${at + 1}` };
    return [`level${at}`, { anyOf: [next, next] }];
  });
  const $defs = { ...Object.fromEntries(levels), level40: { type: "string" } };
  const answer = await checkAnswer("{}", { schema: { $defs, $ref: "#/$defs/level0" } });
  expect(answer).toMatchObject({ kind: "invalid", problem: expect.stringMatching(/takes too long/) });
});
