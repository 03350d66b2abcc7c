import type { LeftOut } from "../run/changes.ts";
import type { RunRequest } from "../run/request.ts";
import type { Usage } from "../run/result.ts";
import { toDurationText } from "../run/words.ts";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../text/markdown.ts";

/** One row of the table of files. */
export type FileRow = { path: string; kind: "added" | "modified" | "deleted" };

export type BodyOptions = {
  request: RunRequest;
  summary: string | null;
  files: readonly FileRow[];
  leftOut: readonly LeftOut[];
  /** Paths with added lines that hold invisible or direction-changing characters. */
  hiddenCharacters: readonly string[];
  /** Commands the agent ran, newest last; its own claim. */
  commands: readonly string[];
  logTail: string | null;
  usage: Usage;
  codexVersion: string | null;
  model: string | null;
  runningS: number;
};

/** Well under GitHub's limit of 65,536 characters. */
const MAX_BODY = 60_000;
const MAX_ROWS = 200;

/** The pull request's text. Everything from the agent is made harmless; the log gives way first when it grows too long. */
export function toPullRequestBody(options: BodyOptions): string {
  const fixed = [
    ...toWarnings(options),
    toSummary(options),
    toClosing(options.request),
    toFileTable(options.files),
    toPrompt(options.request),
    toVerified(options.commands),
    toFooter(options),
  ];
  const text = fixed.filter((section) => section !== "").join("\n\n");
  const room = MAX_BODY - text.length - 100;
  const log = options.logTail === null || room < 500 ? "" : toLog(options.logTail, Math.min(room, 12_000));
  return [text, log]
    .filter((section) => section !== "")
    .join("\n\n")
    .slice(0, MAX_BODY);
}

function toWarnings({ leftOut, hiddenCharacters }: BodyOptions): string[] {
  const warnings: string[] = [];
  if (hiddenCharacters.length > 0) {
    warnings.push(
      `> [!WARNING]\n> Added lines hold invisible or direction-changing characters: ${hiddenCharacters.slice(0, 20).map(toCodeSpan).join(", ")}. Look at them in an editor that shows such characters.`,
    );
  }
  if (leftOut.length > 0) {
    const rows = leftOut.slice(0, 20).map(({ path, why }) => `> - ${toCodeSpan(path)}: ${why}`);
    const more = leftOut.length > 20 ? [`> - and ${leftOut.length - 20} more`] : [];
    warnings.push(["> [!NOTE]", "> Not taken over from the workspace:", ...rows, ...more].join("\n"));
  }
  return warnings;
}

function toSummary({ summary }: BodyOptions): string {
  return summary === null ? "_Codex gave no summary._" : toSafeMarkdown(summary, { maxLength: 20_000 });
}

function toClosing({ thread }: RunRequest): string {
  return thread === null || thread.is_pull_request ? "" : `Closes #${thread.number}`;
}

function toFileTable(files: readonly FileRow[]): string {
  const rows = files.slice(0, MAX_ROWS).map(({ path, kind }) => `| ${toCodeSpan(path)} | ${kind} |`);
  const more = files.length > MAX_ROWS ? [`\n… and ${files.length - MAX_ROWS} more files.`] : [];
  return ["### Files", "", "| File | Change |", "| --- | --- |", ...rows, ...more].join("\n");
}

function toPrompt({ prompt, trigger }: RunRequest): string {
  const who = trigger.actor === null ? "" : ` by ${toCodeSpan(trigger.actor)}`;
  const source = trigger.url === null ? "" : ` ([the command](${trigger.url}))`;
  return `### Prompt\n\nAsked${who}${source}:\n\n${toCodeBlock(prompt.length > 4000 ? `${prompt.slice(0, 4000)}…` : prompt)}`;
}

function toVerified(commands: readonly string[]): string {
  const last = commands
    .slice(-10)
    .map((command) => `- ${toCodeSpan(command.length > 200 ? `${command.slice(0, 199)}…` : command)}`);
  const ran =
    last.length === 0 ? "Codex ran no commands." : `Codex says it ran these commands last:\n\n${last.join("\n")}`;
  return `### Verified\n\nNo verification is configured for this repository. ${ran}`;
}

function toFooter({ request, usage, codexVersion, model, runningS }: BodyOptions): string {
  const facts = [
    `Run \`${request.run_id}\``,
    `Codex ${codexVersion ?? "(unknown version)"}`,
    `model ${model === null ? "(Codex's default)" : toCodeSpan(model)}`,
    `${toCount(usage.input_tokens)} tokens in (${toCount(usage.cached_input_tokens)} cached), ${toCount(usage.output_tokens)} out`,
    toDurationText(runningS),
  ];
  return `---\n\n${facts.join(" · ")}`;
}

function toLog(logTail: string, maxLength: number): string {
  const tail = logTail.length > maxLength ? `…${logTail.slice(-maxLength)}` : logTail;
  return `<details>\n<summary>End of the log</summary>\n\n${toCodeBlock(tail)}\n\n</details>`;
}

function toCount(tokens: number): string {
  return tokens.toLocaleString("en-US");
}
