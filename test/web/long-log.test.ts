import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

const MIB = 1024 * 1024;
const LOG_MIB = 300;
const MAX_GROWTH = 64 * MIB;

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const Answer = z.object({ start: z.string(), bytes: z.number() });

/** Reads an answer to its end in another process, whose memory is not looked at; `start` is the beginning of it. */
async function read(path: string): Promise<z.infer<typeof Answer>> {
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", READER, `${world.url}${path}`, TOKEN]);
  return Answer.parse(JSON.parse(stdout));
}

const READER = `
  const [url, token] = process.argv.slice(1);
  const headers = { authorization: "Bearer " + token, accept: "text/html" };
  require("node:http").get(url, { headers }, (response) => {
    let [start, bytes] = ["", 0];
    response.on("data", (chunk) => {
      if (start.length < 200_000) start += chunk;
      bytes += chunk.length;
    });
    response.on("end", () => console.log(JSON.stringify({ start, bytes })));
  });
`;

test(`a log of ${LOG_MIB} MiB is shown, searched and sent without being kept in memory`, async () => {
  const { run_id: runId } = await world.addResult();
  const block = "ok - a test with a name that is as long as names of tests are ✓ 12 ms\n".repeat(14_000);
  const blocks = Math.ceil((LOG_MIB * MIB) / Buffer.byteLength(block));
  world.write(runId, { log: block });
  // What every page needs is loaded by the first.
  for (const path of ["", "?find=needle", "/log"]) await read(`/runs/${runId}${path}`);
  for (let count = 1; count < blocks; count++) world.append(runId, block);
  world.append(runId, "not ok - the needle\n");

  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 10);
  try {
    expect((await read(`/runs/${runId}`)).bytes).toBeLessThan(MIB);
    expect((await read(`/runs/${runId}?from=${150 * MIB}`)).bytes).toBeLessThan(MIB);
    expect((await read(`/runs/${runId}?find=NEEDLE`)).start).toContain("<code>not ok - the needle</code>");
    expect((await read(`/runs/${runId}/log`)).bytes).toBeGreaterThan(LOG_MIB * MIB);
  } finally {
    clearInterval(timer);
  }
  expect(most - before).toBeLessThan(MAX_GROWTH);
});
