import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toMedian, toMs } from "./statistics.ts";

const STARTS = 10;
const AIM_MS = 800;
const INITIALIZE = `${JSON.stringify({
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
})}\n`;

/** From starting `codex-orchestrator mcp` to its answer to `initialize`; the first time, and the median of ten more. */
export async function measureMcpStart(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "bench-mcp-"));
  try {
    const firstMs = await startOnce(folder);
    const timesMs: number[] = [];
    for (let start = 0; start < STARTS; start++) timesMs.push(await startOnce(folder));
    const [median, slowest] = [toMedian(timesMs), Math.max(...timesMs)];
    return [
      "codex-orchestrator mcp, from its start to an answered initialize",
      `${toMs(median)} (median of ${STARTS}, aim: under ${AIM_MS} ms), ${toMs(slowest)} (slowest), ${toMs(firstMs)} (the one before them)`,
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnce(folder: string): Promise<number> {
  const program = join(import.meta.dirname, "..", "bin", "codex-orchestrator.mjs");
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, "mcp"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, OPENAI_API_KEY: "sk-bench-0123456789abcdef" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.write(INITIALIZE);
  const [answer] = await once(child.stdout, "data");
  const ms = performance.now() - startedAt;
  child.stdin.end();
  await ended;
  if (!String(answer).includes('"serverInfo"')) throw new Error(`answered with ${String(answer).slice(0, 200)}`);
  return ms;
}
