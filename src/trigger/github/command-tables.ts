import { optionRules } from "./command-options.ts";
import { verbRules } from "./command.ts";

/** The commands as a Markdown table, from the table that parser and help text come from. */
export function toCommandTable(): string {
  const verbs = Object.values(verbRules).map(({ form, does }) => toRow(`/codex ${form}`, does));
  return toTable("Command", [toRow("/codex [options] <prompt>", "start a run that ends in a pull request"), ...verbs]);
}

/** The options as a Markdown table. */
export function toOptionTable(): string {
  const rows = Object.entries(optionRules).map(([name, rule]) =>
    toRow("takes" in rule ? `${name} <${rule.takes}>` : name, rule.does),
  );
  return toTable("Option", rows);
}

function toTable(title: string, rows: readonly string[]): string {
  return [`| ${title} | Does |`, "| --- | --- |", ...rows].join("\n");
}

/** A pipe would end the cell, also inside code. */
function toRow(form: string, does: string): string {
  return `| \`${form.replaceAll("|", "\\|")}\` | ${does} |`;
}
