import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPagesRoute } from "../../src/compose/pages-route.ts";
import type { RunFilesEverywhere } from "../../src/orchestrator/run-files.ts";
import type { RunId } from "../../src/run/id.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { startWebServer } from "../../src/web/server.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

const MIB = 1024 * 1024;
const BLOCK = "a line of a log that nobody reads as fast as it is written\n".repeat(17_500).slice(0, MIB - 1) + "\n";
/** More than the kernel keeps of a connection that is not read from, on both of its sides. */
const KERNEL_BYTES = 24 * MIB;

let world: PagesWorld;
let opened: AsyncDisposableStack;
let read = { bytes: 0 };
let port = 0;
beforeEach(async () => {
  opened = new AsyncDisposableStack();
  world = opened.use(await openPagesWorld());
  read = { bytes: 0 };
  const pages = openPagesRoute({ ...world.product, files: countReads(world.product.files) });
  if (pages === null) throw new Error("no pages");
  const routes = [pages.route];
  const web = opened.use(await startWebServer({ host: "127.0.0.1", port: 0, routes, onError: () => {} }));
  opened.use(pages);
  port = web.port;
});
afterEach(() => opened.disposeAsync());

/** The same files; what is read of them is counted. */
function countReads(files: RunFilesEverywhere): RunFilesEverywhere {
  return {
    ...files,
    readPage: async (runId, file, page) => {
      const found = await files.readPage(runId, file, page);
      read.bytes += Buffer.byteLength(found?.text ?? "");
      return found;
    },
    readPieces: async function* (runId, file) {
      for await (const piece of files.readPieces(runId, file)) {
        read.bytes += piece.length;
        yield piece;
      }
    },
  };
}

/** Asks for a log and reads nothing of the answer. */
async function openSlowReader(runId: RunId, accept: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  opened.defer(() => void socket.destroy());
  await once(socket, "connect");
  socket.pause();
  const head = [`GET /runs/${runId}/log HTTP/1.1`, "Host: x", `Authorization: Bearer ${TOKEN}`, `Accept: ${accept}`];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  return socket;
}

async function beginLong(mib: number): Promise<RunId> {
  const request = await world.addRun();
  await world.begin(request);
  world.write(request.run_id, { log: "" });
  for (let count = 0; count < mib; count++) world.append(request.run_id, BLOCK);
  return request.run_id;
}

/** Resolves once nothing has been read for a while. */
async function settle(): Promise<void> {
  for (let before = -1; before !== read.bytes;) {
    before = read.bytes;
    await sleep(1500);
  }
}

describe("of a log that somebody asked for and does not read", () => {
  test("no more is taken from disk than the connection holds, as a file", async () => {
    const runId = await beginLong(100);
    await openSlowReader(runId, "*/*");
    await expect.poll(() => read.bytes, { timeout: 20_000 }).toBeGreaterThan(0);
    await settle();
    expect(read.bytes).toBeLessThan(KERNEL_BYTES);
  });

  test("no more is taken from disk than the connection holds, live, and it goes on with the end", async () => {
    const runId = await beginLong(1);
    const socket = await openSlowReader(runId, "text/event-stream");
    await expect.poll(() => read.bytes, { timeout: 20_000 }).toBeGreaterThan(0);
    const path = toRunFile(world.product.paths, { runId, file: "log" });
    for (let count = 0; count < 60; count++) {
      appendFileSync(path, BLOCK);
      await sleep(20);
    }
    appendFileSync(path, "the end\n");
    await settle();
    expect(read.bytes).toBeLessThan(KERNEL_BYTES);

    let text = "";
    socket.on("data", (chunk) => (text = `${text.slice(-1000)}${chunk.toString()}`));
    socket.resume();
    await expect.poll(() => text, { timeout: 20_000 }).toContain("the end");
    expect(read.bytes).toBeLessThan(2 * KERNEL_BYTES);
  });
});
