import { z } from "zod";

/** Something that the model says or does. */
export type ModelItem =
  | { kind: "say"; text: string; phase?: "commentary" | "final_answer" }
  /** A summary of its reasoning, as Codex shows it. */
  | { kind: "think"; text: string }
  /** A command line for the shell of the container. */
  | { kind: "shell"; command: string; yieldTimeMs?: number }
  /** A patch in the form of Codex's `apply_patch`, from `*** Begin Patch` to `*** End Patch`. */
  | { kind: "patch"; patch: string }
  /** Any output item, as the Responses API writes it. */
  | { kind: "raw"; item: Record<string, unknown> };

/** Tokens of one answer; what is left out is made up from the sizes. */
export type ModelUsage = { inputTokens: number; cachedInputTokens: number; outputTokens: number };

/**
 * One answer of the model. Codex runs its tool calls and asks again; an answer without any ends the turn. `failure`: the
 * model reports it in place of the items, as `response.failed`.
 */
export type ModelStep = {
  items: ModelItem[];
  usage?: ModelUsage;
  delayMs?: number;
  failure?: { code: string; message: string };
};

/** The answers of one turn, in their order. */
export type ModelScript = ModelStep[];

/** What a script may look at to decide. */
export type ModelRequest = {
  model: string;
  /** Text of the last message of the user: the prompt. */
  prompt: string;
  /** How many tool outputs came after it, and in the whole conversation. */
  outputsInTurn: number;
  outputsInAll: number;
  /** Texts of the outputs of this turn. */
  outputs: string[];
  /** True when the request offers `apply_patch`, by itself or inside code mode. */
  isPatchOffered: boolean;
};

const InputItem = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.unknown().optional(),
  output: z.unknown().optional(),
});
const Body = z.looseObject({
  model: z.string().default(""),
  input: z.array(InputItem).default([]),
  tools: z.array(z.looseObject({ name: z.string().optional() })).default([]),
});

/** Reads the parts of a `POST /v1/responses` body that a script depends on. Throws when it is no such body. */
export function readModelRequest(body: unknown): ModelRequest {
  const { model, input, tools } = Body.parse(body);
  const lastUser = input.findLastIndex((item) => item.role === "user");
  const outputs = input.filter(isToolOutput);
  const inTurn = input.slice(lastUser + 1).filter(isToolOutput);
  const isCodeMode = input.some((item) => item.type === "additional_tools");
  return {
    model,
    prompt: toText(input[lastUser]?.content),
    outputsInTurn: inTurn.length,
    outputsInAll: outputs.length,
    outputs: inTurn.map((item) => toText(item.output)),
    isPatchOffered: isCodeMode || tools.some((tool) => tool.name === "apply_patch"),
  };
}

function isToolOutput(item: z.infer<typeof InputItem>): boolean {
  return item.type === "function_call_output" || item.type === "custom_tool_call_output";
}

const Parts = z.array(z.looseObject({ text: z.string().default("") }));

function toText(content: unknown): string {
  if (typeof content === "string") return content;
  const parts = Parts.safeParse(content);
  return parts.success ? parts.data.map((part) => part.text).join("") : "";
}

/** An answer to a script that has come to its end, though the model is asked again. */
const OVER: ModelStep = { items: [{ kind: "say", text: "The script is over." }] };

/** The answer that is due: as many tool calls have been answered as the earlier ones made. */
export function findStep(script: ModelScript, request: ModelRequest): ModelStep {
  let answered = 0;
  for (const step of script) {
    if (answered >= request.outputsInTurn) return step;
    answered += step.items.filter(isToolCall).length;
  }
  const last = script.at(-1);
  return last === undefined || last.items.some(isToolCall) ? OVER : last;
}

function isToolCall(item: ModelItem): boolean {
  if (item.kind === "raw") return /^(?:function|custom_tool)_call$/.test(String(item.item["type"]));
  return item.kind === "shell" || item.kind === "patch";
}

/** The step's items as the Responses API writes them. Ids are new in every answer of a conversation. */
export function toOutputItems(step: ModelStep, request: ModelRequest): Record<string, unknown>[] {
  return step.items.map((item, at) => {
    const id = `${request.outputsInAll}_${at}`;
    switch (item.kind) {
      case "say":
        return {
          type: "message",
          id: `msg_${id}`,
          role: "assistant",
          ...(item.phase === undefined ? {} : { phase: item.phase }),
          content: [{ type: "output_text", text: item.text, annotations: [] }],
        };
      case "think":
        return { type: "reasoning", id: `rs_${id}`, summary: [{ type: "summary_text", text: item.text }] };
      case "shell":
        return toShellCall(`call_${id}`, { cmd: item.command, yield_time_ms: item.yieldTimeMs ?? 30_000 });
      case "patch":
        return request.isPatchOffered
          ? { type: "custom_tool_call", id: `ctc_${id}`, call_id: `call_${id}`, name: "apply_patch", input: item.patch }
          : toShellCall(`call_${id}`, { cmd: `apply_patch <<'END_OF_PATCH'\n${item.patch}\nEND_OF_PATCH` });
      case "raw":
        return item.item;
    }
  });
}

function toShellCall(callId: string, parameters: Record<string, unknown>): Record<string, unknown> {
  const id = callId.replace("call_", "fc_");
  return { type: "function_call", id, call_id: callId, name: "exec_command", arguments: JSON.stringify(parameters) };
}
