import { z } from "zod";
import { BranchName, Effort, ModelName, RepositoryFolder, RunMode } from "../../run/request.ts";
import { parseDurationS } from "../../text/duration.ts";
import { findNearest } from "../../text/nearest.ts";
import { quoteWord, type Mistake } from "./mistake.ts";
import { readWord } from "./word.ts";

/** A length of time as people write it, read as seconds. */
const Timeout = z
  .string()
  .transform((text) => parseDurationS(text))
  .pipe(z.int().positive());

/** What a command's options ask for; null where the person said nothing. `timeoutS` is in seconds. */
export const CommandOptions = z.object({
  mode: RunMode.nullable().default(null),
  base: BranchName.nullable().default(null),
  branch: BranchName.nullable().default(null),
  model: ModelName.nullable().default(null),
  effort: Effort.nullable().default(null),
  timeoutS: Timeout.nullable().default(null),
  dir: RepositoryFolder.min(1).nullable().default(null),
  pullRequest: z.enum(["draft", "ready"]).nullable().default(null),
  protectedPaths: z.enum(["hold", "allow"]).default("hold"),
});
export type CommandOptions = z.infer<typeof CommandOptions>;

type OptionKey = keyof CommandOptions;
type OptionRule = { key: OptionKey; does: string } & (
  { takes: string; allowed: readonly string[] | null; must: string } | { sets: string }
);

/** Every option of a command, in the order people read them. The parser and the help text both come from this table. */
export const optionRules: Readonly<Record<string, OptionRule>> = {
  "--mode": {
    key: "mode",
    takes: RunMode.options.join("|"),
    allowed: RunMode.options,
    must: `must be one of ${RunMode.options.join(", ")}`,
    does: "open a pull request, only make the patch, or only answer",
  },
  "--base": {
    key: "base",
    takes: "branch",
    allowed: null,
    must: "must be the name of a branch",
    does: "branch to start from, instead of the default branch",
  },
  "--branch": {
    key: "branch",
    takes: "name",
    allowed: null,
    must: "must be a valid name for a new branch",
    does: "name of the new branch",
  },
  "--model": {
    key: "model",
    takes: "name",
    allowed: null,
    must: "must be the name of a model",
    does: "model that Codex uses",
  },
  "--effort": {
    key: "effort",
    takes: Effort.options.join("|"),
    allowed: Effort.options,
    must: `must be one of ${Effort.options.join(", ")}`,
    does: "how long the model thinks",
  },
  "--timeout": {
    key: "timeoutS",
    takes: "time",
    allowed: null,
    must: "must be a time such as 300 (seconds), 90s, 10m or 1h",
    does: "longest the run may take: seconds, or 90s, 10m, 1h",
  },
  "--dir": {
    key: "dir",
    takes: "folder",
    allowed: null,
    must: "must be a folder inside the repository",
    does: "folder of the repository to work in",
  },
  "--draft": { key: "pullRequest", sets: "draft", does: "open the pull request as a draft" },
  "--no-draft": { key: "pullRequest", sets: "ready", does: "open it ready for review" },
  "--allow-protected": {
    key: "protectedPaths",
    sets: "allow",
    does: "publish changes to protected paths, too",
  },
};

export type ReadOptions = { options: CommandOptions; count: number; ended: "by-text" | "by-dashes"; rest: string };
type Read = ReadOptions | Mistake;

/**
 * Reads the options at the front of a command's first line, up to the first word that is none or `--`, and gives the
 * rest back as it stands. Says what is wrong, and what was probably meant, for an unknown option or a bad value.
 */
export function readOptions(line: string): Read {
  const given = new Map<OptionKey, string>();
  let rest = line.trimStart();
  for (;;) {
    const word = readWord(rest);
    if (word === null || !isOptionLike(word.text)) return toRead(given, { rest, ended: "by-text" });
    if (word.text === "--") return toRead(given, { rest: word.rest, ended: "by-dashes" });

    const { name, inline } = splitOption(word.text);
    const rule = Object.hasOwn(optionRules, name) ? optionRules[name] : undefined;
    if (rule === undefined) return toUnknown(name);
    if (given.has(rule.key)) return toMistake(`${quoteWord(name)} repeats or contradicts an option in front of it`);

    const value = readValue({ name, rule, inline, rest: word.rest });
    if ("kind" in value) return value;
    given.set(rule.key, value.text);
    rest = value.rest;
  }
}

type ReadValueOptions = { name: string; rule: OptionRule; inline: string | null; rest: string };

function readValue({ name, rule, inline, rest }: ReadValueOptions): { text: string; rest: string } | Mistake {
  if ("sets" in rule) {
    if (inline !== null) return toMistake(`${quoteWord(name)} takes no value`, name);
    return { text: rule.sets, rest };
  }
  const next = inline === null ? readWord(rest) : { text: inline, rest };
  const usage = `${name} <${rule.takes}>`;
  if (next === null || next.text === "" || (inline === null && next.text.startsWith("--"))) {
    return toMistake(`${quoteWord(name)} needs a value`, usage);
  }
  if (CommandOptions.shape[rule.key].safeParse(next.text).success) return next;
  const meant = rule.allowed === null ? null : findNearest(next.text, rule.allowed);
  return toMistake(
    `${quoteWord(name)} ${rule.must}, not ${quoteWord(next.text)}`,
    meant === null ? usage : `${name} ${meant}`,
  );
}

/** Phones turn two hyphens into a dash, so a dash before the name of an option is taken for them. */
function splitOption(word: string): { name: string; inline: string | null } {
  const [, name = word, inline = null] = /^([^=]*)(?:=(.*))?$/s.exec(word.replace(/^[\u2013\u2014]/, "--")) ?? [];
  return { name, inline };
}

function isOptionLike(word: string): boolean {
  if (/^[\u2013\u2014]/.test(word)) return Object.hasOwn(optionRules, splitOption(word).name);
  return word.startsWith("--") || /^-[A-Za-z]/.test(word);
}

function toUnknown(name: string): Mistake {
  const known = Object.keys(optionRules);
  return toMistake(`there is no option ${quoteWord(name)}`, findNearest(name, known) ?? known.join(", "));
}

function toRead(given: Map<OptionKey, string>, found: Pick<ReadOptions, "rest" | "ended">): ReadOptions {
  return { ...found, options: CommandOptions.parse(Object.fromEntries(given)), count: given.size };
}

function toMistake(problem: string, form: string | null = null): Mistake {
  return { kind: "mistake", problem, nearest: form === null ? null : `/codex ${form}` };
}
