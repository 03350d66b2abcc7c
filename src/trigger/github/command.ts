import { readOptions, type CommandOptions } from "./command-options.ts";
import { quoteWord, type Mistake } from "./mistake.ts";
import { findNearest } from "../../text/nearest.ts";

export type VerbCommand =
  | { kind: "verb"; verb: "status" | "ci" }
  | { kind: "verb"; verb: "cancel" | "retry"; run: string | null }
  | { kind: "verb"; verb: "publish"; run: string | null; protectedPaths: CommandOptions["protectedPaths"] }
  | { kind: "verb"; verb: "review"; focus: string };

/** What a comment asks for. `none`: it is not a command, and nothing may come of it. */
export type CommentCommand =
  | { kind: "none" }
  | { kind: "run"; options: CommandOptions; prompt: string }
  | { kind: "help" }
  | VerbCommand
  | Mistake;

/** Every verb with its form. The parser's typo check and the help text both come from this table. */
export const verbRules = {
  review: {
    form: "review [focus]",
    does: "on a pull request: a review with inline comments; changes nothing",
  },
  status: { form: "status", does: "this thread's runs" },
  cancel: { form: "cancel [run]", does: "stop a run, wherever it is" },
  retry: { form: "retry [run]", does: "the same request again" },
  publish: {
    form: "publish [run] [--allow-protected]",
    does: "push a kept patch and open its pull request",
  },
  ci: { form: "ci", does: "on a pull request: run the checks that `ci: hold` holds back" },
  help: { form: "help", does: "this text" },
} as const;

type Verb = keyof typeof verbRules;
type CommandText = { line: string; more: string };

/**
 * Reads a comment's body by the grammar of the product: a command is a comment whose first non-blank line begins with
 * `/codex` and white space or the line's end. Text in quotes, lists, HTML and code never begins a line of that shape:
 * only an indented code block needs a look, so up to three blanks before the command are accepted and four are not
 * (CommonMark 4.4). Options stand only at the front of that line; everything after them is the prompt, as it is.
 *
 * A verb is one when it stands alone or with its own arguments; other text that begins with the same word is a prompt,
 * and so is everything after `--`.
 */
export function parseCommand(body: string): CommentCommand {
  const text = findCommand(body);
  if (text === null) return { kind: "none" };
  return parseVerb(text) ?? parseRun(text);
}

function findCommand(body: string): CommandText | null {
  if (!body.includes("/codex")) return null;
  const lines = body.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => /[^ \t]/.test(line));
  const [matched] = /^ {0,3}\/codex(?=[\s--[\uFEFF]]|$)/v.exec(lines[first] ?? "") ?? [];
  if (matched === undefined) return null;
  return { line: (lines[first] ?? "").slice(matched.length), more: lines.slice(first + 1).join("\n") };
}

function parseRun({ line, more }: CommandText): CommentCommand {
  const read = readOptions(line);
  if ("kind" in read) return read;
  const prompt = `${read.rest}\n${more}`.trim();
  if (prompt === "") return toMistake("it does not say what to do", "<prompt>");

  const verb = toVerb(prompt);
  if (read.ended === "by-text" && verb !== null) {
    const form = read.count > 0 ? `${quoteWord(prompt)} takes no options in front of it` : null;
    return toMistake(form ?? `there is no command ${quoteWord(prompt)}`, verbRules[verb].form);
  }
  return { kind: "run", options: read.options, prompt };
}

function parseVerb({ line, more }: CommandText): CommentCommand | null {
  const [first = "", ...words] = line.trim().split(/\s+/);
  const verb = first.toLowerCase();
  const isOneLine = more.trim() === "";
  if (verb === "review") return { kind: "verb", verb, focus: `${line.trim().slice(first.length)}\n${more}`.trim() };
  if (!isOneLine) return null;
  switch (verb) {
    case "--help":
    case "help":
      return words.length === 0 ? { kind: "help" } : null;
    case "ci":
    case "status":
      return words.length === 0 ? { kind: "verb", verb } : null;
    case "cancel":
    case "retry":
      return parseRunVerb(verb, words);
    case "publish":
      return parsePublish(words);
    default:
      return null;
  }
}

function parseRunVerb(verb: "cancel" | "retry", words: string[]): CommentCommand | null {
  const [run = null, ...others] = words;
  if (others.length > 0) return null;
  if (run !== null && !isRunId(run)) return toNotARun(verb, run);
  return { kind: "verb", verb, run };
}

function parsePublish(words: string[]): CommentCommand | null {
  const runs = words.filter((word) => !word.startsWith("--"));
  const flags = words.filter((word) => word.startsWith("--"));
  if (runs.length > 1) return null;
  const [run = null] = runs;
  const wrong = flags.find((flag) => flag !== "--allow-protected");
  if (wrong !== undefined) return toMistake(`publish has no option ${quoteWord(wrong)}`, verbRules.publish.form);
  if (run !== null && !isRunId(run)) return toNotARun("publish", run);
  return { kind: "verb", verb: "publish", run, protectedPaths: flags.length > 0 ? "allow" : "hold" };
}

function toNotARun(verb: Verb, word: string): Mistake {
  const problem = `${quoteWord(word)} is not the id of a run (put \`--\` in front of words that are meant as a prompt)`;
  return toMistake(problem, verbRules[verb].form);
}

/** A whole run id, or its last 8 characters as they stand in branch names. */
function isRunId(word: string): boolean {
  return /^(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{8})$/i.test(word);
}

/** The verb that a prompt of one word is, or nearly is. */
function toVerb(prompt: string): Verb | null {
  if (/\s/.test(prompt)) return null;
  const nearest = findNearest(prompt, Object.keys(verbRules));
  return nearest !== null && isVerb(nearest) ? nearest : null;
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(verbRules, word);
}

function toMistake(problem: string, form: string): Mistake {
  return { kind: "mistake", problem, nearest: `/codex ${form}` };
}
