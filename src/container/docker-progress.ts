import { z } from "zod";
import { EngineRefusal, toOneLine } from "./docker-errors.ts";

/** One line of what the engine says while it builds, imports or fetches (JSON, one document a line). */
const Step = z.object({
  stream: z.string().optional(),
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
});

export type FollowProgressOptions = {
  /** Gets each line of words; the many small steps of a download are left out. */
  onProgress?: ((line: string) => void) | undefined;
};

/** Resolves when the engine is done. Rejects with its own words, and the last lines before them, when it gave up. */
export async function followProgress(
  answer: NodeJS.ReadableStream,
  { onProgress }: FollowProgressOptions,
): Promise<void> {
  const lastLines: string[] = [];
  for await (const step of readSteps(answer)) {
    if (step.error !== undefined)
      throw new EngineRefusal([step.error, "after:", ...lastLines].map(toOneLine).join(" "));
    const line = toOneLine(step.stream ?? (step.id === undefined ? (step.status ?? "") : ""));
    if (line === "") continue;
    onProgress?.(line);
    lastLines.push(line);
    if (lastLines.length > 3) lastLines.shift();
  }
}

async function* readSteps(answer: NodeJS.ReadableStream): AsyncGenerator<z.infer<typeof Step>> {
  let rest = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.filter((text) => text.trim() !== "")) yield Step.parse(JSON.parse(line));
  }
}
