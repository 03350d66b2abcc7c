import { randomUUID } from "node:crypto";
import { send } from "./gate-server.ts";

/** Sends many large bodies with a wrong signature, all at once, and prints how they were answered. Arguments: port, count, bytes. */
const [port = 0, count = 0, bytes = 0] = process.argv.slice(2).map(Number);
const body = Buffer.alloc(bytes, 0x20);
const headers = () => ({
  "content-type": "application/json",
  "content-length": bytes,
  "x-github-event": "issue_comment",
  "x-github-delivery": randomUUID(),
  "x-hub-signature-256": `sha256=${"0".repeat(64)}`,
});
const statuses = await Promise.all(
  Array.from({ length: count }, () =>
    send(port, { headers: headers(), body }).then(
      ({ status }) => String(status),
      () => "cut",
    ),
  ),
);
process.stdout.write(
  JSON.stringify(
    Object.fromEntries(
      Map.groupBy(statuses, (it) => it)
        .entries()
        .map(([status, all]) => [status, all.length]),
    ),
  ),
);
