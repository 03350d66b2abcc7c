import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { Environment, toConfigurationTable } from "../src/config/environment.ts";
import { toChecksTable } from "../src/doctor/check-names.ts";
import { toSettingsTable } from "../src/repo-settings/json-schema.ts";
import { FailureReason, toRunFailure } from "../src/run/failure.ts";
import { runProgram } from "../src/trigger/cli/program.ts";
import { readAnchors, readCode, readLinks, readPage, refreshPage, root } from "./helpers/markdown-pages.ts";

const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...docs.map((name) => `docs/${name}`)];

test.each([
  { page: "docs/configuration.md", mark: "configuration", generate: toConfigurationTable },
  { page: "docs/repository-settings.md", mark: "settings", generate: toSettingsTable },
  { page: "docs/operations.md", mark: "checks", generate: toChecksTable },
])("the table in $page is the one the code gives (-u writes it)", async ({ page, ...part }) => {
  await expect(await refreshPage(page, [part])).toMatchFileSnapshot(`../${page}`);
});

const entries = readEntries(readPage("docs/troubleshooting.md"));
const source = readSource();

test("troubleshooting has an entry for every reason a run can fail for, in the order of the list", () => {
  expect([...entries.keys()]).toEqual(FailureReason.options);
});

test.each(FailureReason.options)("the entry of %s says what people are told to do", (reason) => {
  const entry = (entries.get(reason) ?? "").replace(/\s+/g, " ");
  expect(entry).toContain(toRunFailure(reason, { message: "" }).hint);
});

test.each(FailureReason.options)("the entry of %s quotes sentences that the product says", (reason) => {
  const quoted = [...(entries.get(reason) ?? "").matchAll(/^- "([^"]+)"/gm)].map(([, sentence = ""]) => sentence);
  expect(quoted).not.toEqual([]);
  expect(quoted.filter((sentence) => !isSaid(sentence))).toEqual([]);
});

test("the tables of troubleshooting quote what the product says", () => {
  const cells = [...readPage("docs/troubleshooting.md").matchAll(/^\| (?:[^|`]*`([^`|]+ [^`|]+)`)?[^|]*\|/gm)];
  const quoted = cells.flatMap(([, sentence]) => (sentence === undefined ? [] : [sentence]));
  expect(quoted.length).toBeGreaterThan(10);
  // What is wrong with a variable is said behind its name.
  expect(quoted.filter((sentence) => !isSaid(sentence.replace(/^(?:[A-Z]+_[A-Z_]+|\.env) /, "")))).toEqual([]);
});

test("every folder that how-it-works names exists", () => {
  const named = [...readPage("docs/how-it-works.md").matchAll(/^\| ((?:`[a-z/-]+`(?:, )?)+) +\|/gm)];
  const folders = named.flatMap(([, cell = ""]) => cell.split(", ").map((name) => name.replaceAll("`", "")));
  const isFolder = (name: string): boolean => existsSync(join(root, "src", name));
  expect(folders.filter((name) => name.includes("/") && !isFolder(name))).toEqual([]);
});

test.each(pages)("every link in %s leads somewhere", (page) => {
  const broken = readLinks(readPage(page)).filter((link) => {
    const [path = "", anchor] = link.split("#", 2);
    const target = path === "" ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !readAnchors(readPage(target)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test.each(pages)("every script of npm that %s names exists", (page) => {
  const { scripts } = JSON.parse(readPage("package.json"));
  const own = ["ci", "exec", "install"];
  const named = readCode(readPage(page)).flatMap((code) => [
    ...code.matchAll(/\bnpm (?:run )?(?:--silent )?([a-z][\w:-]*)/g),
  ]);
  const missing = named.map(([, name = ""]) => name).filter((name) => !own.includes(name) && !(name in scripts));
  expect(missing).toEqual([]);
});

test.each(pages)("every command that %s names exists, with its options", async (page) => {
  const commands = readCode(readPage(page)).flatMap((code) =>
    [...code.matchAll(/(?<![\w"./-])(?:[\w./]*\/bin\/)?codex-orchestrator(?:\.mjs)?(?: --)? ([a-z-][^`]*)/g)].map(
      ([, command = ""]) => command,
    ),
  );
  const wrong = await Promise.all(commands.map(async (command) => ((await isCommand(command)) ? [] : [command])));
  expect(wrong.flat()).toEqual([]);
});

test.each(pages)("every variable that %s names exists", (page) => {
  const known = [...Object.keys(Environment.shape), ...readPage("docker/.env.example").matchAll(/^#?(\w+)=/gm)].map(
    (name) => (typeof name === "string" ? name : (name[1] ?? "")),
  );
  const named = readCode(readPage(page)).flatMap((code) => {
    const [, name] = /^([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=.*)?$/.exec(code) ?? [];
    return name === undefined || OTHERS.test(name) ? [] : [name];
  });
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

/** Variables of the clients and of other programs. */
const OTHERS = /^(?:HTTPS_PROXY|CODEX_ORCHESTRATOR_TOKEN|BASH_ENV|NODE_OPTIONS|CARGO_HOME)$/;

/** Each `### reason` of the page with the text below it. */
function readEntries(page: string): Map<string, string> {
  const parts = page.split(/^#{2,3} /m).map((part) => /^`([a-z-]+)`\n([\s\S]*)$/.exec(part));
  return new Map(parts.flatMap((part) => (part === null ? [] : [[part[1] ?? "", part[2] ?? ""] as const])));
}

/** All of the source as one text, in which what was escaped in it is not. */
function readSource(): string {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return files
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(root, "src", path), "utf8"))
    .join("\n")
    .replaceAll("\\`", "`");
}

/** A sentence with `…` for what differs from time to time: the source has the words before, between and after. */
function isSaid(sentence: string): boolean {
  return sentence.split("…").every((words) => source.includes(words));
}

/** Whether the parser knows the words at the beginning and the long options; what stands behind a shell's signs is not ours. */
async function isCommand(line: string): Promise<boolean> {
  const words =
    line
      .replace(/"[^"]*"|'[^']*'/g, "…")
      .split(/ (?:[|>#&]|2>|<\/)/)[0]
      ?.split(/\s+/) ?? [];
  const [first = "", second = ""] = words;
  if (first.startsWith("--")) return (await readHelp([])).includes(first);
  const both = /^[a-z]/.test(second) ? await readHelp([first, second]) : "";
  const isBoth = both.startsWith(`Usage: codex-orchestrator ${first} ${second} `);
  const help = isBoth ? both : await readHelp([first]);
  if (!help.startsWith(`Usage: codex-orchestrator ${first} `)) return false;
  if (!isBoth && /^[a-z]/.test(second) && /^Usage: .*\[command\]/.test(help)) return false;
  return words.filter((word) => word.startsWith("--")).every((word) => help.includes(word.split("=")[0] ?? ""));
}

async function readHelp(words: string[]): Promise<string> {
  let help = "";
  const terminal = new Writable({
    write: (chunk, _encoding, done) => {
      help += String(chunk);
      done();
    },
  });
  const never = (): never => {
    throw new Error("--help starts nothing");
  };
  await runProgram([...words, "--help"], {
    terminal: { out: terminal, err: terminal },
    interrupts: process,
    version: "0",
    ...{ readConfig: never, openProduct: never, serve: never, buildImage: never, runDemo: never, serveMcp: never },
    ...{ runSetup: never, runDoctor: never },
  });
  return help;
}
