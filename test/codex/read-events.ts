import { createEventReader, type CodexActivity } from "../../src/codex/events.ts";

/** Folder of recorded output of the real Codex. */
export const fixtures = new URL("../fixtures/codex/", import.meta.url);

/** Feeds output to a reader, in chunks of a size, and gives all that came out of it. */
export function read(output: string | Buffer, { chunkBytes = 1 << 30, maxLineBytes = 4 << 20 } = {}) {
  const events: string[] = [];
  const log: string[] = [];
  const activities: CodexActivity[] = [];
  const reader = createEventReader({
    onEventLine: (line) => events.push(line),
    onLogLine: (line) => log.push(line),
    onActivity: (activity) => activities.push(activity),
    maxLineBytes,
  });
  const bytes = Buffer.from(output);
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  return { report: reader.end(), events, log: log.join("\n"), activity: activities.at(-1) ?? null };
}
