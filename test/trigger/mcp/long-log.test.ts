import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { connectOverHttp } from "../../helpers/mcp-clients.ts";
import { MCP_TOKEN, startMcpServer } from "../../helpers/mcp-server.ts";

const LOG_MIB = 100;
const MIB = 1024 ** 2;

test(
  "a log of 100 MB is read page by page, whole, and the server's memory stays flat",
  { timeout: 120_000 },
  async () => {
    await using server = await startMcpServer();
    execFileSync("git", ["init", "-q", server.workspace]);
    await using mcp = await connectOverHttp(server.url, { token: MCP_TOKEN });
    const open = await mcp.call("codex_run", { prompt: "Say much", wait: 0 });
    const [run] = await server.product.store.list({ limit: 1 });
    if (run === undefined) throw new Error("there is no run");
    writeLog(server.product.paths.runFolder(run.runId));

    const collect = runInNewContext((setFlagsFromString("--expose-gc"), "gc")) as () => void;
    const measure = (): number => {
      collect();
      return memoryUsage().heapUsed;
    };
    let [offset, bytes, pages, peak]: [number | null, number, number, number] = [0, 0, 0, 0];
    let before = Infinity;
    let longest = 0;
    while (offset !== null) {
      const args = { run_id: open.structuredContent?.["run_id"], artifact: "log", offset };
      const { text, next_offset: next } = (await mcp.call("codex_run_artifacts", args)).structuredContent as {
        text: string;
        next_offset: number | null;
      };
      const length = Buffer.byteLength(text);
      [bytes, pages, longest, offset] = [bytes + length, pages + 1, Math.max(longest, length), next];
      if (pages === 50) before = measure();
      if (pages % 100 === 0) peak = Math.max(peak, measure());
    }
    expect([bytes, longest <= 64 * 1024, pages < 1_700]).toEqual([LOG_MIB * MIB, true, true]);
    expect(peak - before).toBeLessThan(16 * MIB);
    const answer = await mcp.call("codex_run_status", { run_id: run.runId, wait: 0 });
    expect(answer.isError ?? false).toBe(false);
  },
);

/** Lines with letters of two bytes, so that pages cut some. */
function writeLog(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const file = openSync(`${folder}/log.txt`, "w");
  const line = Buffer.from("Zeile über Zeile, äöü\n");
  const part = Buffer.concat([
    Buffer.alloc(MIB % line.length, "."),
    ...Array(Math.floor(MIB / line.length)).fill(line),
  ]);
  for (let written = 0; written < LOG_MIB; written++) writeSync(file, part);
  closeSync(file);
}
