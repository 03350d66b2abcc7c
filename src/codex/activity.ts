import type { Activity } from "../run/progress.ts";
import { toPlainLine, toPlainText } from "../text/plain.ts";
import type { CodexEvent } from "./event.ts";
import { toShortCommand, toShortPath } from "./short-forms.ts";

const MAX_MESSAGE_LENGTH = 2000;
const MAX_COMMAND_LENGTH = 300;
const MAX_PATH_LENGTH = 300;
const MAX_FILES = 500;

export type ActivityTracker = {
  /** What the agent is doing after this event; null when the event changed nothing of it. */
  update(event: CodexEvent): Activity | null;
};

/** Makes the short picture of what Codex is doing now, from its events. Its size has a bound. */
export function createActivityTracker(): ActivityTracker {
  const files = new Set<string>();
  let lastMessage: string | null = null;
  let lastCommand: string | null = null;
  let commands = 0;

  const note = (event: CodexEvent): "changed" | "unchanged" => {
    if (event.type !== "item.started" && event.type !== "item.completed") return "unchanged";
    const { item } = event;
    if (item.type === "agent_message" && event.type === "item.completed")
      lastMessage = toPlainText(item.text).slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
    else if (item.type === "command_execution" && event.type === "item.started") {
      lastCommand = toPlainLine(toShortCommand(item.command), { maxLength: MAX_COMMAND_LENGTH });
      commands += 1;
    } else if (item.type === "file_change")
      for (const { path } of item.changes.slice(0, MAX_FILES)) {
        if (files.size < MAX_FILES) files.add(toPlainLine(toShortPath(path), { maxLength: MAX_PATH_LENGTH }));
      }
    else return "unchanged";
    return "changed";
  };
  return {
    update: (event) => (note(event) === "changed" ? { lastMessage, lastCommand, commands, files: [...files] } : null),
  };
}
