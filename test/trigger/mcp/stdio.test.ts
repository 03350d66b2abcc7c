import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const program = join(import.meta.dirname, "..", "..", "..", "bin", "codex-orchestrator.mjs");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mcp-stdio-"));
  mkdirSync(join(folder, "runs"));
  chmodSync(join(folder, "runs"), 0o750);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const initialize = {
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "x", version: "1" } },
};
const text = (message: unknown): string => `${JSON.stringify(message)}\n`;

type Ended = { code: number | null; signal: NodeJS.Signals | null; lines: unknown[]; err: string };

/** Writes lines to the server, waits for as many lines of answers, and closes its input, or ends it in another way. */
async function converse(
  lines: string[],
  { answers, environment = {}, end }: { answers: number; environment?: Record<string, string>; end?: NodeJS.Signals },
): Promise<Ended> {
  const child = spawn(process.execPath, [program, "mcp"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, OPENAI_API_KEY: "sk-stdio-0123456789", ...environment },
  });
  const exited = once(child, "close");
  let [out, err] = ["", ""];
  child.stderr.on("data", (part) => (err += part));
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  child.stdout.on("data", (part) => {
    out += part;
    if (out.split("\n").length > answers) resolve();
  });
  for (const line of lines) child.stdin.write(line);
  await Promise.race([enough, exited]);
  if (end === undefined) child.stdin.end();
  else child.kill(end);
  const [code, signal] = await exited;
  const parsed = out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
  return { code, signal, lines: parsed, err };
}

test("MA-023: a line that is not JSON is answered with -32700, and the conversation goes on", async () => {
  const { lines, code } = await converse(["not json\n", text(initialize)], { answers: 2 });
  expect(lines).toMatchObject([
    { id: null, error: { code: -32_700 } },
    { id: 1, result: { serverInfo: {} } },
  ]);
  expect(code).toBe(0);
});

test("MA-024: two messages in one line are answered with -32700", async () => {
  const two = `${JSON.stringify(initialize)}${JSON.stringify(initialize)}\n`;
  const { lines } = await converse([two, text(initialize)], { answers: 2 });
  expect(lines).toMatchObject([{ id: null, error: { code: -32_700 } }, { id: 1 }]);
});

test("JSON that is no message is answered with -32600", async () => {
  const { lines } = await converse([text({ hello: "world" }), text(initialize)], { answers: 2 });
  expect(lines).toMatchObject([{ id: null, error: { code: -32_600 } }, { id: 1 }]);
});

test("MA-027: a tool that is called before initialize is refused, and nothing is made", async () => {
  const call = {
    jsonrpc: "2.0",
    id: 7,
    method: "tools/call",
    params: { name: "codex_run", arguments: { prompt: "x" } },
  };
  const { lines } = await converse([text(call)], { answers: 1 });
  expect(lines).toMatchObject([{ id: 7, error: { code: -32_600, message: expect.stringContaining("initialize") } }]);
  expect(readdirSync(join(folder, "runs"))).toEqual([]);
});

test("nothing but protocol comes over stdout, whatever the log has to say, and the process ends with its input", async () => {
  const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "codex_run_list", arguments: {} } };
  const environment = { LOG_LEVEL: "trace", DOCKER_HOST: `unix://${folder}/nothing.sock` };
  const { lines, code } = await converse([text(initialize), text(call)], { answers: 2, environment });
  expect(lines).toMatchObject([{ id: 1 }, { id: 2, result: { structuredContent: { runs: [] } } }]);
  expect(code).toBe(0);
});

test("a wrong configuration is told on stderr with exit code 2, and stdout stays empty", async () => {
  const { lines, code, err } = await converse([], { answers: 1, environment: { PORT: "seventy" } });
  expect([lines, code, err]).toEqual([[], 2, expect.stringContaining("PORT")]);
});

test("a database that cannot be opened is told in each answer, and the conversation goes on", async () => {
  const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "codex_run_list", arguments: {} } };
  const environment = { DATABASE_URL: "postgresql://nobody:secret@127.0.0.1:1/none" };
  const { lines, code } = await converse([text(initialize), text(call)], { answers: 2, environment });
  expect(lines[1]).toMatchObject({ id: 2, result: { isError: true } });
  expect(JSON.stringify(lines)).not.toContain("secret");
  expect(code).toBe(0);
});

test("SIGTERM ends it with exit code 0", async () => {
  const { code, signal } = await converse([text(initialize)], { answers: 1, end: "SIGTERM" });
  expect([code, signal]).toEqual([0, null]);
});
