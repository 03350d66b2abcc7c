import { z } from "zod";
import { checkEntry } from "./find-forbidden-value.ts";

export type CheckedTools =
  | {
      verdict: "allowed";
      tools: Tool[] | undefined;
      /** Types of the hosted tools that were taken out. */ removed: string[];
    }
  | { verdict: "refused"; why: string };

/** What rules are about in a tool's definition; its parameters are the model's business. */
const Tool = z.looseObject({ type: z.string(), execution: z.string().optional(), tools: z.unknown().optional() });
export type Tool = z.infer<typeof Tool>;

/** Tools that only name what Codex itself then does inside the container. */
const LOCAL_TOOLS = new Set(["function", "custom", "local_shell"]);

/** Tools that run at the provider and reach the network, or other people's data, from there. */
const HOSTED_TOOLS =
  /^(?:web_search.*|file_search|code_interpreter|image_generation|mcp|computer.*|browser.*|shell|container.*)$/;

/** Codex nests its tools one level deep. */
const MAX_DEPTH = 4;

/**
 * Takes the hosted tools out of a list, also out of the namespaces in it, and refuses what is not known. Codex offers the
 * web search unasked, so taking it out beats refusing the request.
 */
export function checkTools(value: unknown, depth = 0): CheckedTools {
  if (value == null) return { verdict: "allowed", tools: undefined, removed: [] };
  const parsed = z.array(Tool).safeParse(value);
  if (!parsed.success || depth > MAX_DEPTH)
    return { verdict: "refused", why: "The request's tools are not a list of tools." };

  const kept: Tool[] = [];
  const removed: string[] = [];
  for (const tool of parsed.data) {
    if (HOSTED_TOOLS.test(tool.type)) {
      removed.push(tool.type);
      continue;
    }
    if (tool.type === "namespace") {
      const inner = checkTools(tool.tools ?? [], depth + 1);
      if (inner.verdict === "refused") return inner;
      kept.push({ ...tool, tools: inner.tools });
      removed.push(...inner.removed);
      continue;
    }
    // Codex looks through its own deferred tools; the provider's own search is not offered to it.
    const isLocal = LOCAL_TOOLS.has(tool.type) || (tool.type === "tool_search" && tool.execution === "client");
    if (!isLocal)
      return { verdict: "refused", why: `The tool type ${JSON.stringify(tool.type.slice(0, 80))} is not allowed.` };
    kept.push(tool);
  }
  for (const [key, entry] of kept.flatMap((tool) => Object.entries(tool))) {
    const why = checkEntry(key, entry);
    if (why !== null) return { verdict: "refused", why };
  }
  return { verdict: "allowed", tools: kept, removed };
}
