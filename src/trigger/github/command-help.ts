import type { RepositorySettings } from "../../repo-settings/settings.ts";
import { toDurationText } from "../../run/words.ts";
import { toCodeSpan } from "../../text/markdown.ts";
import { optionRules } from "./command-options.ts";
import { verbRules } from "./command.ts";
import type { Mistake } from "./mistake.ts";
import { toSettingsText, toWhoMayText } from "./settings-words.ts";

export type HelpOptions = { defaultTimeoutS: number; maxTimeoutS: number; settings: RepositorySettings };

/** The answer to `/codex help`, in Markdown: the grammar, the settings that hold here, and who may use it. */
export function toHelpText({ defaultTimeoutS, maxTimeoutS, settings }: HelpOptions): string {
  const verbs = Object.values(verbRules).map(({ form, does }) => `- ${toCodeSpan(`/codex ${form}`)}: ${does}`);
  const options = Object.entries(optionRules).map(([name, rule]) => {
    const form = "takes" in rule ? `${name} <${rule.takes}>` : name;
    return `- ${toCodeSpan(form)}: ${rule.does}`;
  });
  const own = toSettingsText(settings);
  return [
    "**How to ask Codex**",
    "Begin a comment, a review or a new issue with `/codex`. What follows, on that line and the lines below it, is the prompt.",
    ["- `/codex [options] <prompt>`: start a run that ends in a pull request", ...verbs].join("\n"),
    "Options stand in front of the prompt, as `--name value` or `--name=value`; `--` ends them.",
    options.join("\n"),
    `A run may take ${toDurationText(defaultTimeoutS)} unless \`--timeout\` says otherwise, and never more than ${toDurationText(maxTimeoutS)}.`,
    ...(own === null ? [] : [own]),
    toWhoMayText(settings),
  ].join("\n\n");
}

/** The short reply to a command that cannot be carried out: what is wrong with it, and the nearest valid form. */
export function toMistakeText({ problem, nearest }: Mistake): string {
  const form = nearest === null ? "" : ` The nearest valid form: ${toCodeSpan(nearest)}.`;
  return `I did not start anything: ${problem}.${form} ${toCodeSpan("/codex help")} shows all of them.`;
}
