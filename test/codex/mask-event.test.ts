import { expect, test } from "vitest";
import { createEventReader, type CodexActivity } from "../../src/codex/events.ts";
import { createMask } from "../../src/masking/mask.ts";

const secret = "top-secret-value";

function toLines(...events: unknown[]): Buffer {
  return Buffer.from(`${events.map((event) => JSON.stringify(event)).join("\n")}\n`);
}
const item = (fields: Record<string, unknown>, type = "item.completed") => ({ type, item: { id: "i", ...fields } });

test("what is told of an agent holds no secret, not even a half one where it is cut; the final message comes as it was said", () => {
  const entries: string[] = [];
  let activity: CodexActivity | null = null;
  const reader = createEventReader({
    mask: createMask([secret]).text,
    onLogLine: (entry) => entries.push(entry),
    onActivity: (now) => (activity = now),
  });
  const command = `echo ${"x".repeat(288)}${secret}`;
  reader.push(
    toLines(
      { type: "turn.started" },
      item({ type: "reasoning", text: secret }),
      item({ type: "command_execution", command, aggregated_output: "", status: "in_progress" }, "item.started"),
      item({
        type: "command_execution",
        command,
        aggregated_output: `a ${secret} b`,
        exit_code: 0,
        status: "completed",
      }),
      item({ type: "file_change", changes: [{ path: `/workspace/${secret}.txt`, kind: "add" }], status: "completed" }),
      item({ type: "todo_list", items: [{ text: secret, completed: true }] }),
      item({ type: "web_search", query: secret }),
      item({ type: "error", message: secret }),
      { type: "error", message: `${"y".repeat(494)}${secret}` },
      item({ type: "agent_message", text: `It is ${secret}.` }),
    ),
  );
  const told = `${entries.join("\n")}${JSON.stringify(activity)}`;
  expect(told).not.toContain("top-");
  expect(told).toContain("a *** b");
  expect(activity).toMatchObject({ lastMessage: "It is ***.", files: ["***.txt"] });
  expect(reader.end()).toMatchObject({ finalMessage: `It is ${secret}.`, failureMessage: `${"y".repeat(494)}***` });
});
