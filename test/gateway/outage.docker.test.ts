import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { createTestEngine, listLeftContainers, makeFolders } from "../container/container-fixture.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { type CodexEnd, runCodexContainer, toSocketPath } from "./start-codex.ts";
import {
  type Answer,
  completed,
  say,
  sendStream,
  startUpstream,
  type StreamEvent,
  toStream,
} from "./scripted-upstream.ts";

const engine = createTestEngine();
const figures: string[] = [];
afterAll(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
  console.log(`Real Codex whose gateway is killed and comes back:\n${figures.join("\n")}`);
});

const OUTAGE_MS = 8000;
/** It is 0.2 s and a bit on a quiet machine. With Codex's own back-off it would be 5 s and more. */
const SOON_SECONDS = 3;
const DONE = "Hello.\n::MCP_STATUS::DONE";
const fine: Answer = (response) => sendStream(response, say(DONE), completed());

function call(cmd: string): StreamEvent {
  const args = JSON.stringify({ cmd, yield_time_ms: 30_000 });
  const item = { type: "function_call", call_id: "c1", name: "exec_command", arguments: args };
  return { type: "response.output_item.done", item };
}

type Outage = CodexEnd & { requests: string[]; secondsToNextRequest: number };

/** Has the first answer, kills the gateway a moment later, and starts another one after the outage. */
async function runThroughOutage(name: string, firstAnswer: Answer): Promise<Outage> {
  const first = Promise.withResolvers<void>();
  let nextAt = Infinity;
  await using upstream = await startUpstream((response, request) => {
    if (upstream.requests.length > 1) {
      nextAt = Math.min(nextAt, performance.now());
      return fine(response, request);
    }
    first.resolve();
    return firstAnswer(response, request);
  });
  await using folders = await makeFolders();
  const options = { upstreamUrl: upstream.url };
  await using killed = await startGatewayProcess(toSocketPath(folders), options);
  const running = runCodexContainer(engine, { folders });
  await Promise.race([first.promise, running]);
  await sleep(500);
  await killed.kill();
  await sleep(OUTAGE_MS);
  await using gateway = await startGatewayProcess(toSocketPath(folders), options);
  const end = await running;
  const secondsToNextRequest = (nextAt - gateway.readyAt) / 1000;
  figures.push(`  ${name}: next request ${secondsToNextRequest.toFixed(2)} s after its return`);
  return { ...end, requests: upstream.requests.map(({ body }) => body), secondsToNextRequest };
}

const isWell = { exit: { reason: "exited", exitCode: 0 }, report: { turn: "completed", finalMessage: DONE } };

describe.concurrent("a gateway that is killed with kill -9 and comes back after 8 seconds", () => {
  test("in the middle of an answer: only that request is made again, and at once", async () => {
    const end = await runThroughOutage("in the middle of an answer", (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream({ type: "response.created", response: {} }));
    });
    expect(end).toMatchObject(isWell);
    expect(end.requests).toHaveLength(2);
    expect(end.events.filter((line) => line.includes("Reconnecting"))).toHaveLength(1);
    expect(end.secondsToNextRequest).toBeLessThan(SOON_SECONDS);
  });

  test("while a command runs: nothing is made again, and nothing is seen of it", async () => {
    const end = await runThroughOutage("while a command runs", (response) =>
      sendStream(response, call("sleep 2; echo OUT-CANARY"), completed()),
    );
    expect(end).toMatchObject(isWell);
    expect(end.requests).toHaveLength(2);
    expect(end.requests[1]).toContain("OUT-CANARY");
    expect(end.log).not.toMatch(/Reconnecting|socat/);
    expect(end.secondsToNextRequest).toBeLessThan(SOON_SECONDS);
  });

  test("while a command runs that lasts longer than that: nothing is made again", async () => {
    const end = await runThroughOutage("while a long command runs", (response) =>
      sendStream(response, call("sleep 10; echo OUT-CANARY"), completed()),
    );
    expect(end).toMatchObject(isWell);
    expect(end.requests).toHaveLength(2);
    expect(end.log).not.toMatch(/Reconnecting|socat/);
  });
});
