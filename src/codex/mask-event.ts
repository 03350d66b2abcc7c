import type { CodexEvent, CodexItem } from "./event.ts";

/** The event with its texts masked: whatever is made shorter later is made so from hidden secrets, never from half ones. */
export function maskEvent(event: CodexEvent, { mask }: { mask: (text: string) => string }): CodexEvent {
  switch (event.type) {
    case "item.started":
    case "item.updated":
    case "item.completed":
      return { ...event, item: maskItem(event.item, { mask }) };
    case "turn.failed":
      return { ...event, error: { message: mask(event.error.message) } };
    case "error":
      return { ...event, message: mask(event.message) };
    case "thread.started":
    case "turn.started":
    case "turn.completed":
    case "other":
      return event;
  }
}

function maskItem(item: CodexItem, { mask }: { mask: (text: string) => string }): CodexItem {
  switch (item.type) {
    case "agent_message":
    case "reasoning":
      return { ...item, text: mask(item.text) };
    case "command_execution":
      return { ...item, command: mask(item.command), aggregated_output: mask(item.aggregated_output) };
    case "file_change":
      return { ...item, changes: item.changes.map((change) => ({ ...change, path: mask(change.path) })) };
    case "mcp_tool_call":
      return { ...item, server: mask(item.server), tool: mask(item.tool) };
    case "collab_tool_call":
      return { ...item, tool: mask(item.tool) };
    case "web_search":
      return { ...item, query: mask(item.query) };
    case "todo_list":
      return { ...item, items: item.items.map((entry) => ({ ...entry, text: mask(entry.text) })) };
    case "error":
      return { ...item, message: mask(item.message) };
    case "other":
      return item;
  }
}
