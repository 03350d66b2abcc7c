import { randomUUID } from "node:crypto";
import PQueue from "p-queue";
import { send } from "./gate-server.ts";

/**
 * Sends large bodies with a wrong signature and prints how they were answered.
 * Arguments: port, how many, bytes of each, how many at the same time.
 */
const [port = 0, count = 0, bytes = 0, concurrency = 1] = process.argv.slice(2).map(Number);
const body = Buffer.alloc(bytes, 0x20);
const queue = new PQueue({ concurrency });
const answers: Record<string, number> = {};

for (let sent = 0; sent < count; sent++) {
  void queue.add(async () => {
    const headers = {
      "content-type": "application/json",
      "content-length": bytes,
      "x-github-event": "issue_comment",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
    };
    const answer = await send(port, { headers, body }).catch(() => ({ status: "cut" }));
    answers[answer.status] = (answers[answer.status] ?? 0) + 1;
  });
}
await queue.onIdle();
process.stdout.write(JSON.stringify(answers));
