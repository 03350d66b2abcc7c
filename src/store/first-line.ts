import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The first line of a file from a byte on, at the cost of that line; null when there is none. Rejects when it is not there. */
export async function readFirstLine(path: string, { start }: { start: number }): Promise<string | null> {
  const input = createReadStream(path, { start });
  try {
    for await (const line of createInterface({ input })) return line;
    return null;
  } finally {
    input.destroy(); // the end of its lines does not close the file
  }
}
