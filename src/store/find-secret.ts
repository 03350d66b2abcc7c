import { createReadStream } from "node:fs";
import type { Mask } from "../mask.ts";

/**
 * Whether a file holds one of the secrets that the mask knows, in any of their forms. Reads it as a stream. A file that
 * is not there holds none.
 */
export async function holdsSecret(path: string, mask: Mask): Promise<boolean> {
  const stream = mask.stream();
  let seen = 0;
  let passed = 0;
  try {
    for await (const chunk of createReadStream(path, { encoding: "latin1" })) {
      const text = String(chunk);
      seen += text.length;
      passed += stream.push(text).length;
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
  // The mask puts in three characters for eight or more, so every secret makes the text shorter.
  return passed + stream.end().length !== seen;
}
