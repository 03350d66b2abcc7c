import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";

const BadInput = z.object({ id: z.string(), surface: z.string(), input: z.string(), expect: z.string() });
const fixtures = join(import.meta.dirname, "fixtures");
const inputs = readFileSync(join(fixtures, "bad-inputs.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => BadInput.parse(JSON.parse(line)));

/** Inputs without a test, each with why; whoever builds the part takes its ids out of this list. */
const open = z
  .record(z.string(), z.string())
  .parse(JSON.parse(readFileSync(join(fixtures, "bad-inputs-open.json"), "utf8")));

/** Every id that a test, or a table of one, names. */
const tested = new Set(
  globSync("**/*.ts", { cwd: import.meta.dirname }).flatMap(
    (path) => readFileSync(join(import.meta.dirname, path), "utf8").match(/\b[A-Z]{2}-\d{3}\b/g) ?? [],
  ),
);

test("every bad input has a test, or stands in the list of open ones with its reason", () => {
  const missing = inputs.filter(({ id }) => !tested.has(id) && !(id in open)).map(({ id }) => id);
  expect(missing).toEqual([]);
});

test("the list of open ones names no input that has a test, and none that does not exist", () => {
  const known = new Set(inputs.map(({ id }) => id));
  expect(Object.keys(open).filter((id) => tested.has(id) || !known.has(id))).toEqual([]);
});
