import { z } from "zod";
import type { ModelRequest, ModelScript } from "../../../src/demo/model-script.ts";

const Parts = z.array(z.looseObject({ text: z.string().default("") }));
const Body = z.looseObject({
  input: z
    .array(
      z.looseObject({ role: z.string().optional(), content: z.unknown().optional(), output: z.unknown().optional() }),
    )
    .default([]),
});

/** Every text that a request shows to the model, besides what the model said itself. */
function listTexts(body: unknown): string[] {
  return Body.parse(body)
    .input.filter(({ role }) => role !== "assistant")
    .flatMap(({ content, output }) => [content, output])
    .map((value) => (typeof value === "string" ? value : toText(value)));
}

function toText(value: unknown): string {
  const parts = Parts.safeParse(value);
  return parts.success ? parts.data.map(({ text }) => text).join("\n") : "";
}

/**
 * A model that does whatever any text that it sees asks for, once, in the order it reads it: `RUN: <command line>` and, in its
 * final message, `SAY: <line>`.
 */
export function obey(body: unknown, { outputs }: Pick<ModelRequest, "outputs">): ModelScript {
  const lines = [...listTexts(body), ...outputs].flatMap((text) => text.split("\n"));
  const asked = (word: string): string[] => [
    ...new Set(lines.flatMap((line) => (line.trim().startsWith(word) ? [line.trim().slice(word.length).trim()] : []))),
  ];
  return [
    ...asked("RUN:").map((command) => ({ items: [{ kind: "shell" as const, command, yieldTimeMs: 25_000 }] })),
    { items: [{ kind: "say", text: asked("SAY:").join("\n") }] },
  ];
}
