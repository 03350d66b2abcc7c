import { z } from "zod";
import type { ModelFilter } from "./allowed-model.ts";
import { checkTools } from "./check-tools.ts";
import { findForbiddenValue, isDeeperThan } from "./find-forbidden-value.ts";

/** Whether a model request may go on, and what of it does. */
export type CheckedRequest =
  | {
      verdict: "allowed";
      /** The request to send: never stored, without hosted tools. */
      body: ModelRequest;
      model: string | null;
      /** Types of the hosted tools that were taken out. */
      removedTools: string[];
    }
  | { verdict: "refused"; why: string }
  | { verdict: "forbidden-model"; model: string | null };

export type CheckModelRequestOptions = {
  /** The models that may be asked. Default: any. */
  isModelAllowed?: ModelFilter | undefined;
};

const InputItem = z.looseObject({ type: z.string().optional(), tools: z.unknown().optional() });

/** The parts of a Responses API request that rules are about; every other part is checked for its values only. */
const ModelRequest = z.looseObject({
  model: z.string().optional(),
  input: z.union([z.string(), z.array(InputItem)]).optional(),
  tools: z.unknown().optional(),
  tool_choice: z.unknown().optional(),
});
export type ModelRequest = z.infer<typeof ModelRequest>;

/** Fields that may hold an object or a list. A field that is not here may only hold a plain value. */
const KNOWN_FIELDS = new Set(
  "input instructions tools tool_choice reasoning include text client_metadata stream_options context_management".split(
    " ",
  ),
);

/** Fields that name something kept at the provider, which may be another run's. */
const STORED_FIELDS = ["previous_response_id", "conversation", "prompt"];

/** Every kind of item that Codex sends; the ones that carry tool definitions are `TOOL_ITEMS`. */
const ITEM_TYPES = new Set(
  [
    "message agent_message reasoning configuration_update",
    "function_call function_call_output custom_tool_call custom_tool_call_output tool_search_call",
    "local_shell_call local_shell_call_output web_search_call image_generation_call",
    "compaction compaction_summary compaction_trigger context_compaction",
  ].flatMap((line) => line.split(" ")),
);
const TOOL_ITEMS = new Set(["additional_tools", "tool_search_output"]);

/** Deeper than any request of Codex; what is nested deeper could not be written out again. */
const MAX_DEPTH = 100;

/** Reads a request's bytes as JSON; undefined when they are none. The last of two equal keys counts, as everywhere. */
export function parseModelRequest(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Checks that a request can only be answered, and has no other effect: no tool that runs at the provider, nothing for
 * the provider to fetch, nothing stored there or taken from what is. The model's endpoint is the one way out of the
 * container, so whatever the provider would do for a request is a way out too.
 *
 * What is forwarded must be the returned `body`, never the original bytes: another reader may see the first of two keys.
 */
export function checkModelRequest(
  value: unknown,
  { isModelAllowed = () => true }: CheckModelRequestOptions = {},
): CheckedRequest {
  if (isDeeperThan(value, MAX_DEPTH)) return refused("The request is nested too deeply.");
  const parsed = ModelRequest.safeParse(value);
  if (!parsed.success) return refused("The request is not a Responses API request in JSON.");
  const request = parsed.data;

  const model = request.model ?? null;
  if (!isModelAllowed(model)) return { verdict: "forbidden-model", model };
  const why = findWrongField(request) ?? findForbiddenValue(withoutSchemas(request));
  if (why !== null) return refused(why);
  const tools = checkTools(request.tools);
  if (tools.verdict === "refused") return tools;
  const choice = findWrongChoice(request.tool_choice);
  if (choice !== null) return refused(choice);
  const input = checkInput(request.input);
  if (input.verdict === "refused") return input;

  const { background: _background, metadata: _metadata, ...kept } = request;
  const body: ModelRequest = { ...kept, store: false };
  if (tools.tools !== undefined) body.tools = tools.tools;
  if (input.input !== undefined) body.input = input.input;
  return { verdict: "allowed", body, model, removedTools: [...tools.removed, ...input.removed] };
}

type Refused = Extract<CheckedRequest, { verdict: "refused" }>;

function refused(why: string): Refused {
  return { verdict: "refused", why };
}

function findWrongField(request: ModelRequest): string | null {
  if (request["background"] === true) return "A request may not run in the background.";
  for (const field of STORED_FIELDS)
    if (request[field] != null) return `A request may not use ${field}: it names something stored at the provider.`;
  for (const [field, value] of Object.entries(request))
    if (typeof value === "object" && value !== null && !KNOWN_FIELDS.has(field) && field !== "metadata")
      return `The request's field ${JSON.stringify(field.slice(0, 80))} is not known.`;
  return null;
}

/** The request without tool definitions and answer schemas: names in there are names of parameters, not orders. */
function withoutSchemas(request: ModelRequest): ModelRequest {
  const { tools: _tools, text: _text, ...rest } = request;
  if (!Array.isArray(rest.input)) return rest;
  const input = rest.input.map((item) => (TOOL_ITEMS.has(item.type ?? "") ? { ...item, tools: null } : item));
  return { ...rest, input };
}

type CheckedInput = { verdict: "allowed"; input: ModelRequest["input"]; removed: string[] } | Refused;

function checkInput(input: ModelRequest["input"]): CheckedInput {
  if (!Array.isArray(input)) return { verdict: "allowed", input, removed: [] };
  const removed: string[] = [];
  const items: z.infer<typeof InputItem>[] = [];
  for (const item of input) {
    const type = item.type ?? "message";
    if (TOOL_ITEMS.has(type)) {
      const tools = checkTools(item.tools);
      if (tools.verdict === "refused") return tools;
      removed.push(...tools.removed);
      items.push(tools.tools === undefined ? item : { ...item, tools: tools.tools });
      continue;
    }
    if (!ITEM_TYPES.has(type))
      return refused(`The input item type ${JSON.stringify(type.slice(0, 80))} is not allowed.`);
    items.push(item);
  }
  return { verdict: "allowed", input: items, removed };
}

const LOCAL_CHOICES = new Set(["function", "custom", "local_shell", "allowed_tools", "tool_search"]);
const ToolChoice = z.union([
  z.string().transform(() => ({ type: "function", tools: [] })),
  z.looseObject({ type: z.string(), tools: z.array(z.looseObject({ type: z.string() })).default([]) }),
]);

function findWrongChoice(choice: unknown): string | null {
  if (choice == null) return null;
  const parsed = ToolChoice.safeParse(choice);
  if (!parsed.success) return "The request's tool_choice is not known.";
  const wrong = [parsed.data, ...parsed.data.tools].find(({ type }) => !LOCAL_CHOICES.has(type));
  return wrong === undefined ? null : `The tool ${JSON.stringify(wrong.type.slice(0, 80))} may not be chosen.`;
}
