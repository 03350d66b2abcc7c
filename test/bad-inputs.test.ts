import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";
import { z } from "zod";

const BadInput = z.object({ id: z.string(), surface: z.string(), input: z.string(), expect: z.string() });
const inputs = readFileSync(join(import.meta.dirname, "fixtures", "bad-inputs.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => BadInput.parse(JSON.parse(line)));

/** Only points at tests of other files. */
const INDEX = "run/failure-reasons.test.ts";

/** Every id that begins a text of a test: its title, or a row of a table. What a comment says does not count. */
const tested = new Set(globSync("**/*.ts", { cwd: import.meta.dirname }).flatMap(listTested));

function listTested(path: string): string[] {
  const text = readFileSync(join(import.meta.dirname, path), "utf8");
  if (path === INDEX || !/["`][A-Z]{2}-\d{3}/.test(text)) return [];
  const found: string[] = [];
  const note = (value: unknown): void =>
    void found.push(...(/^(?:[A-Z]{2}-\d{3}(?:, )?)+\b/.exec(String(value))?.[0].split(", ") ?? []));
  new Visitor({ Literal: ({ value }) => note(value), TemplateElement: ({ value }) => note(value.cooked) }).visit(
    parseSync(path, text).program,
  );
  return found;
}

test("every bad input has a test", () => {
  expect(inputs.filter(({ id }) => !tested.has(id))).toEqual([]);
});
