import type { Activity, RunProgress } from "../../run/progress.ts";
import type { RunId } from "../../run/id.ts";
import { toDurationText } from "../../run/words.ts";
import { toCodeSpan, toSafeMarkdown } from "../../text/markdown.ts";

const MAX_MESSAGE = 1500;
const MAX_COMMAND = 200;
const MAX_FILES = 10;

/** What people read about a run that goes on, in Markdown. What the agent says is made harmless and cut. */
export function toProgressText(progress: RunProgress, { runId }: { runId: RunId }): string {
  const sections = [
    `**${toStage(progress)}** · ${toDurationText(progress.elapsedS)}`,
    ...(progress.state === "queued" ? [] : toActivity(progress.activity)),
    `Run \`${runId}\``,
  ];
  return sections.join("\n\n");
}

function toStage({ state, queuePosition }: RunProgress): string {
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

function toActivity({ lastMessage, lastCommand, commands, files }: Activity): string[] {
  const sections: string[] = [];
  if (lastMessage !== null && lastMessage.trim() !== "") {
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
