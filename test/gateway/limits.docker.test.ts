import { afterAll, describe, expect, test } from "vitest";
import { createTestEngine, listLeftContainers, makeFolders } from "../container/container-fixture.ts";
import { openGateway } from "../../src/gateway/gateway.ts";
import { runCodexContainer, toSocketPath } from "./start-codex.ts";
import { type Answer, completed, sendProblem, sendStream, startUpstream, toStream } from "./scripted-upstream.ts";

const engine = createTestEngine();
afterAll(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

const TIMEOUT_MS = 6000;

async function run(answer: Answer): Promise<{ reason: string; seconds: number; requests: number }> {
  await using upstream = await startUpstream(answer);
  await using folders = await makeFolders();
  await using _gateway = await openGateway({
    socketPath: toSocketPath(folders),
    upstreamUrl: upstream.url,
    authorization: async () => ({}),
  });
  const startedAt = performance.now();
  const { exit } = await runCodexContainer(engine, { folders, wishes: { timeoutMs: TIMEOUT_MS } });
  return {
    reason: exit.reason,
    seconds: (performance.now() - startedAt) / 1000,
    requests: upstream.requests.length,
  };
}

describe.concurrent("the run's wall limit holds", () => {
  test("ML-006: over a model that has fallen silent", async () => {
    const end = await run((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(toStream({ type: "response.created", response: {} }));
    });
    expect(end).toMatchObject({ reason: "timeout", requests: 1 });
    expect(end.seconds).toBeLessThan(TIMEOUT_MS / 1000 + 20);
  });

  test("ML-002: over a model that has to be waited for", async () => {
    const end = await run((response) =>
      sendProblem(response, 429, "rate_limit_exceeded", "Slow down.", { "retry-after": "3600" }),
    );
    expect(end).toMatchObject({ reason: "timeout", requests: 1 });
    expect(end.seconds).toBeLessThan(TIMEOUT_MS / 1000 + 20);
  });

  test("ML-007: over a response with 1,000 commands that take long", async () => {
    const calls = Array.from({ length: 1000 }, (_, index) => ({
      type: "response.output_item.done",
      item: {
        type: "function_call",
        call_id: `c${index}`,
        name: "exec_command",
        arguments: JSON.stringify({ cmd: "sleep 600", yield_time_ms: 30_000 }),
      },
    }));
    const end = await run((response) => sendStream(response, ...calls, completed()));
    expect(end).toMatchObject({ reason: "timeout", requests: 1 });
    expect(end.seconds).toBeLessThan(TIMEOUT_MS / 1000 + 20);
  });
});
