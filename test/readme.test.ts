import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toConfigurationTable } from "../src/environment.ts";
import { toClientBlocks, toToolPart } from "./helpers/mcp-readme.ts";

const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");

test.each([
  { what: "table of variables", mark: "configuration", generate: toConfigurationTable },
  { what: "table of tools", mark: "mcp tools", generate: toToolPart },
  { what: "configuration of clients", mark: "mcp clients", generate: toClientBlocks },
])("the README's $what is the one the code gives", ({ mark, generate }) => {
  const [, part] = new RegExp(`<!-- ${mark} -->\n\n([\\s\\S]*?)\n\n<!-- /${mark} -->`).exec(readme) ?? [];
  expect(normalise(part ?? "")).toBe(normalise(generate()));
});

test("every script the README names exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package.json"), "utf8"));
  const named = [...readme.matchAll(/npm (?:run )?(test(?::\w+)?|[a-z]+(?::\w+)?)\b/g)].map(([, name]) => name ?? "");
  const missing = named.filter((name) => !["exec", "ci"].includes(name) && !(name in scripts));
  expect(missing).toEqual([]);
});

test("every file the README links to exists", () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? "");
  for (const path of links) expect(() => readFileSync(join(import.meta.dirname, "..", path))).not.toThrow();
});

/** Formatting pads the columns; the words are what counts. */
function normalise(table: string): string {
  return table.replace(/ +\|/g, " |").replace(/\| +/g, "| ").replace(/-{3,}/g, "---");
}
