import { connect } from "node:net";
import { json } from "node:stream/consumers";
import { BurstJob, type Burst } from "./burst-job.ts";

/**
 * Sends signed deliveries from a process of its own, each over a connection of its own. Everything is made ready before
 * the first one goes out, so that only the server's time is looked at. Reads a `BurstJob` and prints a `Burst`.
 */
async function sendBurst({ port, path, deliveries, times, withinMs }: BurstJob): Promise<Burst> {
  const once = deliveries.map((delivery) => toBytes(delivery, { path }));
  const requests = Array.from({ length: times }, () => once).flat();
  const startedAt = performance.now();
  const answers = await Promise.all(
    requests.map(async (request, index) => {
      const delayMs = startedAt + (withinMs * index) / requests.length - performance.now();
      if (delayMs > 1) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return send(request, { port });
    }),
  );
  const sorted = answers.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
  const toPercentile = (percent: number): number => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
  const statuses = [...new Set(answers.map(({ status }) => status))];
  return {
    ...{ answers: answers.length, statuses },
    ...{ p50: toPercentile(50), p99: toPercentile(99), max: toPercentile(100) },
  };
}

function toBytes({ headers, body }: BurstJob["deliveries"][number], { path }: { path: string }): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`POST ${path} HTTP/1.1`, "host: localhost", "connection: close", ...lines];
  return Buffer.from([...head, "", body].join("\r\n"));
}

function send(request: Buffer, { port }: { port: number }): Promise<{ status: number; ms: number }> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => socket.write(request));
    socket.once("data", (data: Buffer) => {
      resolve({ status: Number(data.toString("latin1", 9, 12)), ms: performance.now() - startedAt });
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("end", () => reject(new Error("the server closed the connection without an answer")));
  });
}

process.stdout.write(JSON.stringify(await sendBurst(BurstJob.parse(await json(process.stdin)))));
