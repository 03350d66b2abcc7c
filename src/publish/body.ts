import type { LeftOut } from "../run/changes.ts";
import type { RunRequest } from "../run/request.ts";
import type { Usage } from "../run/result.ts";
import type { Verification } from "../run/verification.ts";
import type { UsedImage } from "../run/used-image.ts";
import { toDurationText, toUsageText } from "../run/words.ts";
import { toCodeBlock, toCodeSpan, toSafeMarkdown } from "../text/markdown.ts";
import { HELD_NOTE } from "./held-note.ts";
import { fillTemplate, type TemplateParts } from "./pull-request-template.ts";
import { disarmSkipWords } from "./skip-words.ts";
import { toFailureText, toVerifiedText } from "./verification-words.ts";

/** One row of the table of files. */
export type FileRow = { path: string; kind: "added" | "modified" | "deleted" };

export type BodyOptions = {
  request: RunRequest;
  summary: string | null;
  files: readonly FileRow[];
  leftOut: readonly LeftOut[];
  /** Paths with added lines that hold invisible or direction-changing characters. */
  hiddenCharacters: readonly string[];
  /** What the repository's own checks came to; null when there are none, or nothing is known of them. */
  verification: Verification | null;
  /** Commands the agent ran, newest last; its own claim. */
  commands: readonly string[];
  logTail: string | null;
  usage: Usage;
  codexVersion: string | null;
  /** Not there when it is not known any more. */
  image?: UsedImage | null;
  model: string | null;
  runningS: number;
  /** The repository's own template, as `readTemplate` gives it. */
  template: string | null;
};

/** Well under GitHub's limit of 65,536 characters. */
const MAX_BODY = 60_000;
const MAX_ROWS = 200;
const MAX_TABLE = 15_000;
const MAX_NOTES = 20;
const MAX_NOTE = 5_000;

/**
 * The pull request's text. Everything from the agent is made harmless; the repository's template keeps its own shape, with
 * our parts in it. The log gives way first when it all grows too long.
 */
export function toPullRequestBody(options: BodyOptions): string {
  const text = [
    ...toFailure(options),
    ...toWarnings(options),
    ...toOpening(options),
    toFileTable(options.files),
    toPrompt(options.request),
    ...toEnd(options),
  ]
    .filter((section) => section !== "")
    .join("\n\n");
  const room = MAX_BODY - text.length - 100;
  const log = options.logTail === null || room < 500 ? "" : toLog(options.logTail, Math.min(room, 12_000));
  const body = [text, log].filter((section) => section !== "").join("\n\n");
  return disarmSkipWords(body.slice(0, MAX_BODY).toWellFormed());
}

/** What people read first: the template with our words in it, else these alone. */
function toOpening(options: BodyOptions): string[] {
  const parts = toTemplateParts(options);
  if (options.template === null) return [parts.summary, parts.closing];
  const { text, left } = fillTemplate(options.template, parts);
  return [...left.filter((name) => name !== "verified").map((name) => parts[name]), text];
}

function toEnd(options: BodyOptions): string[] {
  const parts = toTemplateParts(options);
  const isPlaced = options.template !== null && !fillTemplate(options.template, parts).left.includes("verified");
  return [isPlaced ? "" : `### Verified\n\n${parts.verified}`, toFooter(options)];
}

function toTemplateParts(options: BodyOptions): TemplateParts {
  return {
    summary: toSummary(options),
    closing: toClosing(options.request),
    verified: toVerified(options),
  };
}

function toWarnings({ request, leftOut, hiddenCharacters }: BodyOptions): string[] {
  const warnings: string[] = request.rules.ci === "hold" ? [HELD_NOTE] : [];
  if (hiddenCharacters.length > 0) {
    const names = takeFitting(
      hiddenCharacters.slice(0, MAX_NOTES).map((path) => toCodeSpan(path)),
      { length: MAX_NOTE },
    );
    warnings.push(
      `> [!WARNING]\n> Added lines hold invisible or direction-changing characters: ${names.join(", ")}. Look at them in an editor that shows such characters.`,
    );
  }
  if (leftOut.length > 0) {
    const all = leftOut.slice(0, MAX_NOTES).map(({ path, why }) => `> - ${toCodeSpan(path)}: ${why}`);
    const rows = takeFitting(all, { length: MAX_NOTE });
    const more = leftOut.length > rows.length ? [`> - and ${leftOut.length - rows.length} more`] : [];
    warnings.push(["> [!NOTE]", "> Not taken over from the workspace:", ...rows, ...more].join("\n"));
  }
  return warnings;
}

/** The first of these lines, as many as come to so many characters. */
function takeFitting(lines: readonly string[], most: { length: number }): string[] {
  let length = 0;
  return lines.filter((line) => (length += line.length + 2) <= most.length);
}

function toSummary({ summary }: BodyOptions): string {
  return summary === null ? "_Codex gave no summary._" : toSafeMarkdown(summary, { maxLength: 20_000 });
}

function toClosing({ thread }: RunRequest): string {
  return thread === null || thread.is_pull_request ? "" : `Closes #${thread.number}`;
}

function toFileTable(files: readonly FileRow[]): string {
  const all = files.slice(0, MAX_ROWS).map(({ path, kind }) => `| ${toCodeSpan(path)} | ${kind} |`);
  const rows = takeFitting(all, { length: MAX_TABLE });
  const more = files.length > rows.length ? [`\n… and ${files.length - rows.length} more files.`] : [];
  return ["### Files", "", "| File | Change |", "| --- | --- |", ...rows, ...more].join("\n");
}

function toPrompt({ prompt, trigger }: RunRequest): string {
  const who = trigger.actor === null ? "" : ` by ${toCodeSpan(trigger.actor)}`;
  const source = trigger.url === null ? "" : ` ([the command](${trigger.url}))`;
  return `### Prompt\n\nAsked${who}${source}:\n\n${toCodeBlock(prompt.length > 4000 ? `${prompt.slice(0, 4000)}…` : prompt)}`;
}

/** What a draft begins with. */
function toFailure({ verification }: BodyOptions): string[] {
  const failure = verification?.failure ?? null;
  return failure === null ? [] : [toFailureText(failure)];
}

function toVerified({ commands, verification }: BodyOptions): string {
  if (verification !== null) return toVerifiedText(verification);
  const last = commands
    .slice(-10)
    .map((command) => `- ${toCodeSpan(command.length > 200 ? `${command.slice(0, 199)}…` : command)}`);
  const ran =
    last.length === 0 ? "Codex ran no commands." : `Codex says it ran these commands last:\n\n${last.join("\n")}`;
  return `No verification is configured for this repository. ${ran}`;
}

function toFooter({ request, usage, codexVersion, image = null, model, runningS }: BodyOptions): string {
  const facts = [
    `Run \`${request.run_id}\``,
    `Codex ${codexVersion ?? "(unknown version)"}`,
    ...(image === null ? [] : [`image ${toCodeSpan(image.name)} (\`${image.id.slice(0, 19)}\`)`]),
    `model ${model === null ? "(Codex's default)" : toCodeSpan(model)}`,
    toUsageText(usage),
    toDurationText(runningS),
  ];
  return `---\n\n${facts.join(" · ")}`;
}

function toLog(logTail: string, maxLength: number): string {
  const tail = logTail.length > maxLength ? `…${logTail.slice(-maxLength)}` : logTail;
  return `<details>\n<summary>End of the log</summary>\n\n${toCodeBlock(tail)}\n\n</details>`;
}
