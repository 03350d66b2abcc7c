import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { toMib, toMs } from "./statistics.ts";
import { openBenchWorld, type BenchWorld } from "./world.ts";

const TOKEN = "dashboard-of-the-bench-0123456789";
const LOG_BYTES = 1024 ** 3;
const SAMPLE_EVERY_MS = 20;
/** Readers that ask for a log and take nothing of it. */
const SLOW_READERS = 20;
const headers = { authorization: `Bearer ${TOKEN}`, accept: "text/html" };

/** The pages of a run whose log has 1 GB: how long each takes, what the server's memory does, and how soon it answers others meanwhile. */
export async function measureLongLog(): Promise<string[]> {
  const script = [{ items: [{ kind: "say" as const, phase: "final_answer" as const, text: "Here." }] }];
  await using world = await openBenchWorld({ script, environment: { DASHBOARD_TOKEN: TOKEN } });
  const comment = await world.prepareComment("/codex --mode ask What is there?");
  await comment.deliver();
  const { run_id: runId } = await world.nextResult(new Set());
  await comment.reported();
  const log = join(world.folder, "runs", runId, "log.txt");
  const page = `${world.server.url}/runs/${runId}`;
  // What every page needs is loaded before, and a log of some size was read.
  await writeLog(log, 32 * 1024 ** 2);
  for (const path of [page, `${page}?from=0`, `${page}?find=needle`, `${page}/log`]) await readAll(path);
  await writeLog(log, LOG_BYTES);

  const lines: string[] = [];
  const idleBytes = world.server.readRssBytes();
  let mostBytes = idleBytes;
  const measure = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const { tookMs, beforeBytes, peakBytes, slowestMs } = await watchServer(world, work);
    const grewBytes = peakBytes - beforeBytes;
    mostBytes = Math.max(mostBytes, peakBytes);
    lines.push(`${what}: ${toMs(tookMs)}; memory +${toMib(grewBytes)}; others waited ${toMs(slowestMs)} at most`);
  };
  await measure("the page, its end", () => readAll(page));
  await measure("ten pages of it, from its middle on", async () => {
    for (let part = 0; part < 10; part++) await readAll(`${page}?from=${LOG_BYTES / 2 + part * 65_536}`);
  });
  await measure("finding a line at its end", () => readAll(`${page}?find=needle`));
  await measure("all of it as text", () => readAll(`${page}/log`));
  await measure("all of it as text, five times at once", () =>
    Promise.all(Array.from({ length: 5 }, () => readAll(`${page}/log`))),
  );
  await measure(`${SLOW_READERS} who ask for it and read nothing, for 5 s`, () => keepSlowReaders(page));
  return [
    `The log of a run with ${toMib(LOG_BYTES)}`,
    ...lines,
    `the server's memory grew by ${toMib(mostBytes - idleBytes)} in all, from ${toMib(idleBytes)} (aim: under 64 MiB)`,
  ];
}

/** Numbered lines up to a size; the last one is the one that is looked for. */
async function writeLog(path: string, bytes: number): Promise<void> {
  const stream = createWriteStream(path);
  const block = "ok - a test with a name that is as long as names of tests are ✓ 12 ms\n".repeat(14_000);
  for (let written = 0; written < bytes; written += Buffer.byteLength(block))
    if (!stream.write(block)) await once(stream, "drain");
  stream.end("not ok - the needle\n");
  await once(stream, "close");
}

async function readAll(url: string): Promise<void> {
  const response = await fetch(url, { headers });
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`);
  for await (const _ of response.body);
}

async function keepSlowReaders(page: string): Promise<void> {
  const { hostname, port, pathname } = new URL(`${page}/log`);
  const sockets = Array.from({ length: SLOW_READERS }, (_, index) => {
    const socket = connect(Number(port), hostname);
    const accept = index % 2 === 0 ? "*/*" : "text/event-stream";
    socket.pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nAccept: ${accept}\r\n\r\n`);
    return socket;
  });
  await sleep(5000);
  for (const socket of sockets) socket.destroy();
}

type Figures = { tookMs: number; beforeBytes: number; peakBytes: number; slowestMs: number };

/** Does something while the server's memory is looked at, and while somebody else asks it whether it lives. */
async function watchServer({ server }: BenchWorld, work: () => Promise<unknown>): Promise<Figures> {
  const beforeBytes = server.readRssBytes();
  let peakBytes = beforeBytes;
  const timer = setInterval(() => (peakBytes = Math.max(peakBytes, server.readRssBytes())), SAMPLE_EVERY_MS);
  const slowest = new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  const asker = new Worker(ASKER, { eval: true, workerData: { url: `${server.url}/healthz`, slowest } });
  const startedAt = performance.now();
  try {
    await work();
    const tookMs = performance.now() - startedAt;
    return { tookMs, beforeBytes, peakBytes, slowestMs: slowest[0] ?? Number.NaN };
  } finally {
    clearInterval(timer);
    await asker.terminate();
  }
}

/** In a thread of its own: what this one reads would make it wait. */
const ASKER = `
  const { url, slowest } = require("node:worker_threads").workerData;
  (async () => {
    for (;;) {
      const askedAt = performance.now();
      await (await fetch(url)).text();
      slowest[0] = Math.max(slowest[0], performance.now() - askedAt);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
`;
