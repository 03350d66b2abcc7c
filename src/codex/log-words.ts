import { createStyleReader, type StyledText } from "../text/styled-text.ts";
import type { CodexEvent, CodexItem } from "./event.ts";
import { toErrorWords, toShortCommand, toShortPath } from "./short-forms.ts";

export type LogWriter = {
  /** The event as people read it, perhaps in several lines; null when it says nothing new. */
  toEntry(event: CodexEvent): StyledText | null;
};

/** Makes the words of `log.txt`. A command's output comes when it ends, under its command line. */
export function createLogWriter(): LogWriter {
  let lastStarted: string | null = null;

  const toCommand = (event: ItemEvent, item: CommandItem): string | null => {
    const head = `$ ${toShortCommand(item.command)}`;
    if (event.type === "item.updated") return null;
    if (event.type === "item.started") {
      lastStarted = item.id;
      return head;
    }
    const output = item.aggregated_output.trimEnd();
    const end = item.exit_code === 0 ? [] : [`(${toCommandEnd(item)})`];
    const again = lastStarted === item.id ? [] : [head];
    lastStarted = null;
    const lines = [...again, ...(output === "" ? [] : [output]), ...end];
    return lines.length === 0 ? null : lines.join("\n");
  };
  const toWords = (event: CodexEvent): string | null => {
    switch (event.type) {
      case "item.started":
      case "item.updated":
      case "item.completed":
        if (event.item.type === "command_execution") return toCommand(event, event.item);
        return event.type === "item.completed" ? toItemWords(event.item) : null;
      case "error":
        return `! ${toErrorWords(event.message)}`;
      case "turn.failed":
        return `Codex gave up: ${toErrorWords(event.error.message)}`;
      case "turn.completed":
        return "Codex has finished.";
      case "thread.started":
      case "turn.started":
      case "other":
        return null;
    }
  };
  return {
    toEntry(event) {
      const words = toWords(event);
      return words === null ? null : createStyleReader()(words);
    },
  };
}

type ItemEvent = Extract<CodexEvent, { item: CodexItem }>;
type CommandItem = Extract<CodexItem, { type: "command_execution" }>;

function toCommandEnd({ exit_code, status }: CommandItem): string {
  return exit_code == null ? (status ?? "no exit code") : `exit code ${exit_code}`;
}

function toItemWords(item: Exclude<CodexItem, CommandItem>): string | null {
  switch (item.type) {
    case "agent_message":
      return `Codex: ${item.text.trim()}`;
    case "reasoning":
      return item.text.trim() === "" ? null : `Thought: ${item.text.trim()}`;
    case "file_change": {
      const files = item.changes.map(({ kind, path }) => `${kind} ${toShortPath(path)}`).join(", ");
      return `Files: ${files}${toTrouble(item.status)}`;
    }
    case "mcp_tool_call":
      return `Tool: ${item.server}.${item.tool}${toTrouble(item.status)}`;
    case "collab_tool_call":
      return `Sub-agents: ${item.tool}${toTrouble(item.status)}`;
    case "web_search":
      return `Search: ${item.query}`;
    case "todo_list":
      return ["Plan:", ...item.items.map(({ text, completed }) => `${completed ? "[x]" : "[ ]"} ${text}`)].join("\n");
    case "error":
      return `! ${toErrorWords(item.message)}`;
    case "other":
      return `(${item.name})`;
  }
}

function toTrouble(status: string | null | undefined): string {
  return status == null || status === "completed" ? "" : ` (${status})`;
}
