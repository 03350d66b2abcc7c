import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allMutations } from "./all-mutations.ts";
import { applyMutation } from "./mutation.ts";

const root = join(import.meta.dirname, "..", "..");

test("each control stands exactly once where the table of mutations says", () => {
  const lost = allMutations.filter((mutation) => {
    return applyMutation(readFileSync(join(root, mutation.file), "utf8"), mutation) === null;
  });
  expect(lost.map(({ id, file }) => `${id} in ${file}`)).toEqual([]);
});

test("each mutation changes something, has an id of its own and names tests that exist", () => {
  expect(allMutations.filter(({ text, becomes }) => text === becomes)).toEqual([]);
  const ids = allMutations.map(({ id }) => id);
  expect(ids.filter((id, place) => ids.indexOf(id) !== place || !/^[a-z]+(-[a-z0-9]+)+$/.test(id))).toEqual([]);
  const tests = new Set(allMutations.flatMap((mutation) => mutation.tests));
  expect([...tests].filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
