import { toDurationText } from "../../run/words.ts";
import { toCodeSpan } from "../../text/markdown.ts";
import { optionRules } from "./command-options.ts";
import { verbRules } from "./command.ts";
import type { Mistake } from "./mistake.ts";

export type HelpOptions = { defaultTimeoutS: number; maxTimeoutS: number };

/** The answer to `/codex help`, in Markdown: the grammar, the settings that hold here, and who may use it. */
export function toHelpText({ defaultTimeoutS, maxTimeoutS }: HelpOptions): string {
  const verbs = Object.values(verbRules).map(
    ({ form, does, state }) =>
      `- ${toCodeSpan(`/codex ${form}`)}: ${does}${state === "later" ? " (not available yet)" : ""}`,
  );
  const options = Object.entries(optionRules).map(([name, rule]) => {
    const form = "takes" in rule ? `${name} <${rule.takes}>` : name;
    return `- ${toCodeSpan(form)}: ${rule.does}`;
  });
  return [
    "**How to ask Codex**",
    "Begin a comment with `/codex`. What follows, on that line and the lines below it, is the prompt.",
    ["- `/codex [options] <prompt>`: start a run that ends in a pull request", ...verbs].join("\n"),
    "Options stand in front of the prompt, as `--name value` or `--name=value`; `--` ends them.",
    options.join("\n"),
    `A run may take ${toDurationText(defaultTimeoutS)} unless \`--timeout\` says otherwise, and never more than ${toDurationText(maxTimeoutS)}.`,
    "Everybody who may write to this repository may use it.",
  ].join("\n\n");
}

/** The short reply to a command that cannot be carried out: what is wrong with it, and the nearest valid form. */
export function toMistakeText({ problem, nearest }: Mistake): string {
  const form = nearest === null ? "" : ` The nearest valid form: ${toCodeSpan(nearest)}.`;
  return `I did not start anything: ${problem}.${form} ${toCodeSpan("/codex help")} shows all of them.`;
}
