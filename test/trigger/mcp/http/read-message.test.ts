import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { readMessage } from "../../../../src/trigger/mcp/http/read-message.ts";

const toRequest = (...chunks: Buffer[]): IncomingMessage =>
  Object.assign(Readable.from(chunks), {
    headers: { "content-type": "application/json" },
  }) as unknown as IncomingMessage;

test("a body of unannounced length is read up to 1 MiB, and no further", async () => {
  const text = Buffer.from(`"${"x".repeat(1024 * 1024 - 2)}"`);
  expect((await readMessage(toRequest(text.subarray(0, 10), text.subarray(10)))).kind).toBe("read");
  expect(await readMessage(toRequest(text, Buffer.from(" ")))).toMatchObject({ kind: "refused", status: 413 });
});
