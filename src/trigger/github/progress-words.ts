import type { Activity, RunProgress } from "../../run/progress.ts";
import type { RunId } from "../../run/id.ts";
import { toDurationText, toHiddenText } from "../../run/words.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";

const MAX_MESSAGE = 1500;
const MAX_COMMAND = 200;
const MAX_FILES = 10;

/**
 * `hidden`: how many pieces of text that people cannot see were left out of the prompt. `pageUrl`: where more is seen of the
 * run; none when left out.
 */
export type ToProgressTextOptions = { runId: RunId; hidden: number; pageUrl?: string | null };

/** What people read about a run that goes on, in Markdown. What the agent says is made harmless and cut. */
export function toProgressText(
  progress: RunProgress,
  { runId, hidden, pageUrl = null }: ToProgressTextOptions,
): string {
  const left = toHiddenText(hidden);
  const sections = [
    `**${toStage(progress)}** · ${toDurationText(progress.elapsedS)}`,
    ...(progress.state === "queued" ? [] : toDoing(progress)),
    ...(left === null ? [] : [`⚠️ ${left}`]),
    `Run \`${runId}\`${pageUrl === null ? "" : ` · [live log](${pageUrl})`}`,
  ];
  return sections.join("\n\n");
}

function toStage({ state, queuePosition, repoCommand = null }: RunProgress): string {
  if (repoCommand !== null)
    return repoCommand.purpose === "setup" ? "🔧 Setting up the repository" : "🧪 Verifying the change";
  switch (state) {
    case "queued":
      return queuePosition === null ? "⏳ Queued" : `⏳ Queued, position ${queuePosition}`;
    case "cloning":
      return "📥 Cloning the repository";
    case "running":
      return "⚙️ Codex is running";
    case "publishing":
      return "📤 Publishing the changes";
  }
}

function toDoing({ activity, repoCommand = null }: RunProgress): string[] {
  const agent = toActivity(activity);
  return repoCommand === null ? agent : [toCodeSpan(cut(repoCommand.command, MAX_COMMAND)), ...agent];
}

function toActivity({ lastMessage, lastCommand, commands, files }: Activity): string[] {
  const sections: string[] = [];
  if (lastMessage !== null && lastMessage.trim() !== "" && !isData(lastMessage)) {
    sections.push(toQuote(toSafeMarkdown(lastMessage, { maxLength: MAX_MESSAGE })));
  }
  if (lastCommand !== null) {
    const count = commands === 1 ? "1 command" : `${commands} commands`;
    sections.push(`${count}, the last one ${toCodeSpan(cut(lastCommand, MAX_COMMAND))}`);
  }
  if (files.length > 0) {
    const shown = files.slice(-MAX_FILES).map((file) => toCodeSpan(cut(file, MAX_COMMAND)));
    const more = files.length > MAX_FILES ? ` and ${files.length - MAX_FILES} more` : "";
    sections.push(`Files touched: ${shown.join(", ")}${more}`);
  }
  return sections;
}

/** An answer by a schema, such as a review's, is for programs; its words are shown at the end. */
function isData(message: string): boolean {
  return /^\s*\{[\s\S]*\}\s*$/.test(message);
}

function toQuote(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}

/** Cuts text to a number of characters, never inside one. */
function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}
