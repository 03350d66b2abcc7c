import { z } from "zod";
import type { FinalStatus } from "./state.ts";

/** The line an agent ends with. The last three are the orchestrator's own. */
export const Marker = z.enum([
  "::MCP_STATUS::DONE",
  "::MCP_STATUS::NEED_USER",
  "::MCP_STATUS::ERROR",
  "::MCP_STATUS::TIMEOUT",
  "::MCP_STATUS::CANCELLED",
]);
export type Marker = z.infer<typeof Marker>;

/** The two that an agent may say. */
export type AgentMarker = Extract<Marker, "::MCP_STATUS::DONE" | "::MCP_STATUS::NEED_USER">;

/** What every prompt ends with, so that the agent says how it ended. */
export const MARKER_INSTRUCTION = [
  "When you have finished, end your final message with exactly one line, and nothing after it:",
  "::MCP_STATUS::DONE when the work is finished, or",
  "::MCP_STATUS::NEED_USER when a person must decide something first (ask the question above that line).",
].join("\n");

export type ParsedMessage = { marker: AgentMarker | null; summary: string };

/**
 * Splits an agent's final message into the marker and the words people read. A marker counts only as the last non-empty
 * line, alone on it; anywhere else it is text like any other.
 */
export function parseFinalMessage(message: string): ParsedMessage {
  const text = message.trimEnd();
  const lineStart = text.lastIndexOf("\n") + 1;
  const marker = toAgentMarker(text.slice(lineStart).trim());
  return { marker, summary: marker === null ? text.trim() : text.slice(0, lineStart).trim() };
}

/** The marker the orchestrator itself sets for runs that the agent did not end; null for the others. */
export function toOwnMarker(status: FinalStatus): Marker | null {
  switch (status) {
    case "error":
      return "::MCP_STATUS::ERROR";
    case "timeout":
      return "::MCP_STATUS::TIMEOUT";
    case "cancelled":
      return "::MCP_STATUS::CANCELLED";
    case "done":
    case "need_user":
      return null;
  }
}

function toAgentMarker(line: string): AgentMarker | null {
  return line === "::MCP_STATUS::DONE" || line === "::MCP_STATUS::NEED_USER" ? line : null;
}
