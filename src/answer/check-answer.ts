import type { AgentAnswer } from "../run/answer.ts";
import { parseFinalMessage } from "../run/marker.ts";
import { toPlainLine } from "../text/plain.ts";
import { askWorker } from "./ask-worker.ts";
import { isDeeperThan, MAX_DEPTH } from "./depth.ts";

const MAX_PROBLEM_LENGTH = 300;

/**
 * Reads an agent's final message as JSON and checks it against the schema. A marker in the last line is no part of it. Takes
 * a few seconds at most: a check that takes longer is one that failed. Rejects when no thread can be had for it.
 */
export async function checkAnswer(
  message: string | null,
  { schema }: { schema: Record<string, unknown> },
): Promise<AgentAnswer> {
  if (message === null) return toInvalid("Codex gave no answer.");
  const parsed = parseJson(parseFinalMessage(message).summary);
  if (parsed.kind === "none") return toInvalid("The answer is not JSON.");
  if (isDeeperThan(parsed.data, MAX_DEPTH)) return toInvalid(`The answer is nested deeper than ${MAX_DEPTH} levels.`);

  const end = await askWorker({ schema, answer: { data: parsed.data } });
  switch (end.kind) {
    case "fits":
      return { kind: "valid", data: parsed.data };
    case "misfit":
      return toInvalid(`The answer does not fit the schema: ${end.path === "" ? "it" : end.path} ${end.why}.`);
    case "bad-schema":
      return toInvalid(`The answer could not be checked, since the schema cannot be used: ${end.why}.`);
    case "gave-up":
      return toInvalid(
        "The answer could not be checked: the schema takes too long for it, perhaps for one of its patterns.",
      );
  }
}

function toInvalid(problem: string): AgentAnswer {
  return { kind: "invalid", problem: toPlainLine(problem, { maxLength: MAX_PROBLEM_LENGTH }) };
}

function parseJson(text: string): { kind: "json"; data: unknown } | { kind: "none" } {
  try {
    return { kind: "json", data: JSON.parse(text) };
  } catch {
    return { kind: "none" };
  }
}
