import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { connectOverHttp, textOf } from "../helpers/mcp-clients.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { DONE, listRuns, openWorld } from "./world.ts";

const LIMIT = 1000;
const token = "mcp-test-0123456789abcdef";
const usage = { inputTokens: LIMIT, cachedInputTokens: 0, outputTokens: 7 };
const WORDS = /The token budget of all runs is used up: 1,007 of 1,000 within 24 hours \(MAX_TOKENS_PER_DAY\)\./;
const HINT = /There is some of it again at \d{4}-\d\d-\d\d \d\d:\d\d UTC: ask then/;
const TOO_MANY =
  /^You have started 1 run within the last hour, and that is the limit \(MAX_RUNS_PER_HOUR\)\. The next one may start at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$/;

test("a run for a model that is not allowed ends before anything is begun; a day's budget ends the run that uses it up, with its changes kept, and the one that waits; it refuses who asks then", async () => {
  await using world = await openWorld({
    script: () => [
      { items: [{ kind: "shell", command: "echo half > half.txt" }], usage },
      { items: [{ kind: "say", text: DONE }], usage },
    ],
    environment: {
      MAX_TOKENS_PER_DAY: String(LIMIT),
      MAX_CONCURRENT_RUNS: "1",
      MCP_AUTH_TOKEN: token,
      ALLOWED_MODELS: "gpt-5.*",
    },
  });
  const other = await world.comment("/codex --model gpt-6-astra Do it");
  const refused = await world.nextResult();
  expect([refused.error, world.model.requests]).toEqual([
    {
      reason: "model-unavailable",
      message: 'The run asked for "gpt-6-astra", and this server allows others only (ALLOWED_MODELS).',
      hint: "Name another model, or have the operator add it to ALLOWED_MODELS.",
    },
    [],
  ]);
  expect(await world.reported(other)).toBe("confused");

  const [first, second] = [await world.comment("/codex Do it"), await world.comment("/codex --mode ask Look at it")];
  const spent = { reason: "budget-exceeded", message: expect.stringMatching(WORDS), hint: expect.stringMatching(HINT) };

  const ended = await world.nextResult();
  expect(ended).toMatchObject({ status: "error", error: spent, usage: { input_tokens: LIMIT, output_tokens: 7 } });
  expect(world.file(ended, "changes.patch")).toContain("+half");
  expect(await world.reported(first)).toBe("confused");
  const waited = await world.nextResult();
  expect([waited.error, waited.timings.cloning, waited.usage]).toEqual([spent, null, null]);
  expect(await world.reported(second)).toBe("confused");
  const comments = (await world.botComments()).join("\n");
  expect(comments.match(new RegExp(WORDS, "g"))).toHaveLength(2);

  expect(await world.reported(await world.comment("/codex Do more"))).toBe("confused");
  const reply = (await world.botComments()).at(-1) ?? "";
  expect(reply).toMatch(/^<!--.*-->\s*I did not start this\. The token budget of all runs is used up/);
  expect(reply).toMatch(HINT);

  await using mcp = await connectOverHttp(world.server.url, { token });
  const answer = await mcp.call("codex_run", { prompt: "Do it", repo: world.github.repository });
  expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringMatching(WORDS)]);

  const terminal = await runInTerminal(world);
  expect(terminal).toEqual({ code: 2, err: expect.stringMatching(WORDS), out: "" });

  expect([listRuns(world.runsPath).length, world.model.requests.length]).toEqual([3, 1]);
  expect(await waitForNothingLeft(world)).toEqual([]);
});

test("MAX_RUNS_PER_HOUR holds for one caller of MCP: the next run is refused with the time it may start at, nothing starts, and others go on", async () => {
  await using world = await openWorld({
    script: () => [{ items: [{ kind: "say", text: DONE }] }],
    environment: { MAX_RUNS_PER_HOUR: "1", MCP_AUTH_TOKEN: token },
  });
  await using mcp = await connectOverHttp(world.server.url, { token });
  const call = { prompt: "Look at it", mode: "ask", repo: world.github.repository };
  const first = await mcp.call("codex_run", call);
  expect(first.structuredContent).toMatchObject({ status: "done" });
  const modelRequests = world.model.requests.length;

  await using again = await connectOverHttp(world.server.url, { token });
  for (const client of [mcp, again]) {
    const refused = await client.call("codex_run", { ...call, prompt: "Look at it once more" });
    expect([refused.isError, textOf(refused)]).toEqual([true, expect.stringMatching(TOO_MANY)]);
  }
  expect([listRuns(world.runsPath).length, world.model.requests.length]).toEqual([1, modelRequests]);

  expect(await world.reported(await world.comment("/codex --mode ask Look at it too"))).toBe("rocket");
  expect(listRuns(world.runsPath)).toHaveLength(2);
  expect(await waitForNothingLeft(world)).toEqual([]);
});

async function runInTerminal({ environment, runsPath }: Awaited<ReturnType<typeof openWorld>>) {
  const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
  const child = spawn(process.execPath, [bin, "run", "Do it", "--repo", "octo-org/hello"], {
    cwd: dirname(runsPath),
    env: { PATH: process.env["PATH"] ?? "", HOME: dirname(runsPath), ...environment },
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}
