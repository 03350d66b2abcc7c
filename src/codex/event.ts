import { z } from "zod";

const Text = z.string().catch("");
const MaybeText = z.string().nullish().catch(null);

/** More files and steps than any honest event names; the rest of a longer list would only cost time. */
const MAX_ENTRIES = 10_000;

function toList<Entry extends z.ZodType>(entry: Entry) {
  const cut = (value: unknown): unknown => (Array.isArray(value) ? value.slice(0, MAX_ENTRIES) : value);
  return z.preprocess(cut, z.array(entry).catch([]));
}

/** One thing Codex did or said. A kind that is not listed here is `other`, and keeps its name. */
const Item = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("agent_message"), text: Text }),
    z.object({ type: z.literal("reasoning"), text: Text }),
    z.object({
      type: z.literal("command_execution"),
      id: Text,
      command: Text,
      aggregated_output: Text,
      exit_code: z.int().nullish().catch(null),
      status: MaybeText,
    }),
    z.object({
      type: z.literal("file_change"),
      changes: toList(z.object({ path: Text, kind: Text })),
      status: MaybeText,
    }),
    z.object({ type: z.literal("mcp_tool_call"), server: Text, tool: Text, status: MaybeText }),
    z.object({ type: z.literal("collab_tool_call"), tool: Text, status: MaybeText }),
    z.object({ type: z.literal("web_search"), query: Text }),
    z.object({
      type: z.literal("todo_list"),
      items: toList(z.object({ text: Text, completed: z.boolean().catch(false) })),
    }),
    z.object({ type: z.literal("error"), message: Text }),
  ])
  .or(z.object({ type: z.string() }).transform(({ type }) => ({ type: "other" as const, name: type })));
export type CodexItem = z.infer<typeof Item>;

/** One line of `codex exec --json`, as far as we read it. Unknown fields and kinds are no mistake. */
const Event = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("thread.started"), thread_id: z.uuid() }),
    z.object({ type: z.literal("turn.started") }),
    z.object({ type: z.literal("turn.completed") }),
    z.object({ type: z.literal("turn.failed"), error: z.object({ message: Text }).catch({ message: "" }) }),
    z.object({ type: z.literal("error"), message: Text }),
    z.object({ type: z.enum(["item.started", "item.updated", "item.completed"]), item: Item }),
  ])
  .or(z.object({ type: z.string() }).transform(({ type }) => ({ type: "other" as const, name: type })));
export type CodexEvent = z.infer<typeof Event>;

/** Reads one line as an event; null when it is none. Of two equal keys the last one counts. */
export function parseEvent(line: string): CodexEvent | null {
  // A flood of other lines must not pay for an exception each.
  if (!/^\s*\{/.test(line)) return null;
  try {
    const parsed = Event.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
