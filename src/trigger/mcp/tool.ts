import type { z } from "zod";
import type { CallContext } from "./call-context.ts";
import type { Scope } from "./principal.ts";

/** What a tool tells clients of itself beyond its name; the words are the protocol's (MCP 2025-11-25, ToolAnnotations). */
export type ToolAnnotations = {
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
};

/**
 * How a call ended. `failed`: what was asked for was done, and it is a failure: a run that ended in an error. `refused`: the
 * call cannot be carried out as it is; nothing was started.
 */
export type ToolAnswer =
  | { kind: "answered" | "failed"; text: string[]; data: Record<string, unknown> }
  | { kind: "refused"; why: string; hint: string };

/** One tool, as data and one function; it knows nothing of the protocol's library. */
export type Tool = {
  name: string;
  title: string;
  /** Written for a model that decides whether and how to call it. */
  description: string;
  scope: Scope;
  input: z.ZodObject;
  output: z.ZodObject;
  annotations: ToolAnnotations;
  /** Parses the arguments and carries the call out. Bad arguments are refused, never thrown. */
  call(args: unknown, context: CallContext): Promise<ToolAnswer>;
};

export type ToolDefinition<Input extends z.ZodObject> = Omit<Tool, "input" | "call"> & {
  input: Input;
  run(args: z.output<Input>, context: CallContext): Promise<ToolAnswer>;
};

/** Joins a tool's data and function, and puts its schema in front of it. */
export function defineTool<Input extends z.ZodObject>({ run, ...tool }: ToolDefinition<Input>): Tool {
  return {
    ...tool,
    call: async (args, context) => {
      const parsed = tool.input.safeParse(args ?? {});
      return parsed.success ? run(parsed.data, context) : refuseArguments(parsed.error, tool);
    },
  };
}

const MAX_PROBLEMS = 5;
const MAX_PROBLEM_LENGTH = 300;

/** Names every argument that is wrong, and never repeats a value: it may be a secret. */
function refuseArguments(error: z.core.$ZodError, { name, input }: { name: string; input: z.ZodObject }): ToolAnswer {
  const problems = error.issues.slice(0, MAX_PROBLEMS).map((issue) => toProblem(issue).slice(0, MAX_PROBLEM_LENGTH));
  return {
    kind: "refused",
    why: `The arguments of ${name} are not valid: ${problems.join("; ")}.`,
    hint: `It takes ${Object.keys(input.shape).join(", ")}; call it again with the arguments corrected.`,
  };
}

function toProblem(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `unknown argument ${issue.keys.map((key) => `"${key}"`).join(", ")}`;
  const path = issue.path.map(String).join(".");
  const message = toMessage(issue);
  return path === "" ? message : `"${path}": ${message}`;
}

function toMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code !== "invalid_type") return issue.message;
  return issue.message.endsWith("received undefined") ? "is missing" : `must be of the type ${issue.expected}`;
}
