import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { checkHouse } from "./architecture/check-house.ts";
import { lintSamples, type LintSample } from "./architecture/lint-samples.ts";
import { parseSourceFile, readSourceFiles } from "./architecture/source-file.ts";

const root = join(import.meta.dirname, "..");
const check = (sources: Record<string, string>) =>
  checkHouse(Object.entries(sources).map(([path, text]) => parseSourceFile(path, { text })));

test("the source keeps every rule of the house", () => {
  const files = readSourceFiles(root);
  expect(files.length).toBeGreaterThan(10);
  expect(checkHouse(files)).toEqual([]);
});

test("what is kept in git are plain files, none of them ignored", () => {
  const git = (...args: string[]): string[] =>
    execFileSync("git", ["-C", root, "-c", "safe.directory=*", "ls-files", "-z", ...args], { encoding: "utf8" })
      .split("\0")
      .filter(Boolean);
  expect(git("--stage").filter((line) => !/^100(?:644|755) /.test(line))).toEqual([]);
  expect(git("--cached", "--ignored", "--exclude-standard")).toEqual([]);
});

describe("the direction of imports", () => {
  test.each([
    ["a stage imports another stage", "src/codex/argv.ts", "../container/engine.ts"],
    ["a stage imports a trigger", "src/publish/push.ts", "../trigger/github/app.ts"],
    ["a stage imports the orchestrator", "src/queue/queue.ts", "../orchestrator.ts"],
    ["a stage imports the configuration", "src/gateway/gateway.ts", "../config.ts"],
    ["a trigger imports another trigger", "src/trigger/cli/program.ts", "../github/command.ts"],
    ["a trigger imports the composition", "src/trigger/github/app.ts", "../../compose.ts"],
    ["the orchestrator imports a trigger", "src/orchestrator.ts", "./trigger/github/app.ts"],
    ["run/ imports an edge", "src/run/result.ts", "../masking/mask.ts"],
    ["run/ imports text/", "src/run/result.ts", "../text/duration.ts"],
    ["text/ imports run/", "src/text/duration.ts", "../run/id.ts"],
    ["an edge imports a stage", "src/git/git.ts", "../workspace/workspace.ts"],
  ])("is refused when %s", (_, path, specifier) => {
    for (const statement of [
      `import { a } from "${specifier}";`,
      `export type { A } from "${specifier}"; export {};`,
    ]) {
      expect(check({ [path]: statement })).toEqual([expect.stringContaining("the arrow runs the other way")]);
    }
  });

  test.each([
    ["a dynamic import", `export const load = () => import("../container/engine.ts");`],
    ["a type taken by import()", `export type Engine = import("../container/engine.ts").Engine;`],
    ["an import for types only", `import type { Engine } from "../container/engine.ts";`],
  ])("is checked for %s", (_, text) => {
    expect(check({ "src/codex/argv.ts": text })).toHaveLength(1);
  });

  test("is kept by a stage that imports run/, the edges, text/ and itself", () => {
    const targets = [
      "../run/id.ts",
      "../git/git.ts",
      "../logger.ts",
      "../masking/mask.ts",
      "../text/duration.ts",
      "./commit.ts",
    ];
    const text = targets.map((target) => `import "${target}";`).join("\n");
    expect(check({ "src/publish/push.ts": text })).toEqual([]);
  });

  test("does not look into strings and comments", () => {
    const text = `// import { a } from "../container/engine.ts";\nexport const text = 'from "../container/engine.ts"';`;
    expect(check({ "src/codex/argv.ts": text })).toEqual([]);
  });
});

test("files that import each other in a circle are refused, each circle once", () => {
  const breaches = check({
    "src/run/a.ts": `import "./b.ts";`,
    "src/run/b.ts": `import "./c.ts";`,
    "src/run/c.ts": `import type { A } from "./a.ts";`,
  });
  expect(breaches).toEqual(["src/run/a.ts -> src/run/b.ts -> src/run/c.ts -> src/run/a.ts is a circle"]);
});

test("a file in a folder that the house does not have is refused", () => {
  expect(check({ "src/utils/strings.ts": "export const a = 1;" })).toEqual([expect.stringContaining("in no room")]);
});

test.each([
  ["dockerode", "src/workspace/workspace.ts"],
  ["simple-git", "src/publish/push.ts"],
  ["node:child_process", "src/container/engine.ts"],
  ["node:sqlite", "src/queue/queue.ts"],
  ["@octokit/rest", "src/trigger/cli/program.ts"],
  ["probot", "src/web/server.ts"],
  ["pino", "src/orchestrator.ts"],
  ["commander", "src/main.ts"],
  ["@secretlint/core", "src/publish/publish.ts"],
])("%s is refused outside its own place", (name, path) => {
  expect(check({ [path]: `import thing from "${name}";` })).toEqual([expect.stringContaining("has its place in")]);
});

test.each([
  ["process.env", "export const a = process.env.A;"],
  [`process["env"]`, `export const a = process["env"];`],
  ["env of node:process", `import { env } from "node:process"; export const a = env.A;`],
])("%s is refused outside config.ts", (_, text) => {
  expect(check({ "src/git/git.ts": text })).toEqual(["src/git/git.ts reads the environment"]);
  expect(check({ "src/config.ts": text })).toEqual([]);
});

test("a file made only of re-exports is refused", () => {
  const text = `export { a } from "./a.ts";\nexport * from "./b.ts";`;
  expect(check({ "src/git/index.ts": text })).toEqual([expect.stringContaining("only passes on")]);
});

test("an exported function or class without a doc comment is refused", () => {
  const text = `/** Adds. */\nexport function add(): void {}\nexport class Sum {}\nfunction own(): void {}`;
  expect(check({ "src/run/a.ts": text })).toEqual(["src/run/a.ts: Sum is exported without a doc comment"]);
});

test("a named function with three parameters is refused, a callback is not", () => {
  expect(check({ "src/run/a.ts": "/** Adds. */ export function add(a: 1, b: 2, c: 3): void {}" })).toEqual([
    "src/run/a.ts: add() has more than 2 parameters",
  ]);
  expect(check({ "src/run/a.ts": "export const add = list.reduce((a, b, c) => a);" })).toEqual([]);
});

const samples: LintSample[] = [
  { rule: "max-lines", path: "src/run/long.ts", text: `export const a = 1;\n${"// line\n".repeat(300)}` },
  {
    rule: "max-lines-per-function",
    path: "src/run/tall.ts",
    text: `export function tall(): void {\n${"  void 0;\n".repeat(80)}}\n`,
  },
  { rule: "no-explicit-any", path: "src/run/any.ts", text: "export const a: any = 1;\n" },
  { rule: "no-console", path: "src/run/console.ts", text: `console.log("a");\nexport {};\n` },
  { rule: "no-process-env", path: "src/run/environment.ts", text: "export const a = process.env;\n" },
  { rule: "no-warning-comments", path: "src/run/later.ts", text: "// TODO later\nexport const a = 1;\n" },
  { rule: "no-warning-comments", path: "src/run/broken.ts", text: "// FIXME later\nexport const a = 1;\n" },
  { rule: "filename-case", path: "src/run/someName.ts", text: "export const a = 1;\n" },
  { rule: "no-barrel-file", path: "src/run/barrel.ts", text: `export * from "./any.ts";\n` },
  { rule: "no-floating-promises", path: "src/run/floating.ts", text: "Promise.resolve();\nexport {};\n" },
  {
    rule: "no-unsafe-type-assertion",
    path: "src/run/assertion.ts",
    text: `export const a = JSON.parse("1") as string;\n`,
  },
  {
    rule: "switch-exhaustiveness-check",
    path: "src/run/default.ts",
    text: [
      `export function toNumber(kind: "a" | "b"): number {`,
      `  switch (kind) {`,
      `    case "a":`,
      `      return 1;`,
      `    default:`,
      `      return 2;`,
      `  }`,
      `}\n`,
    ].join("\n"),
  },
];

describe("the linter, as configured", () => {
  let found: { rule: string; path: string }[] = [];
  beforeAll(() => {
    found = lintSamples(samples);
  });

  test.each(samples)("refuses $path by $rule", ({ rule, path }) => {
    expect(found.filter((finding) => finding.path === path).map((finding) => finding.rule)).toContain(rule);
  });
});
