import { statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toRunFile } from "../src/store/run-files.ts";
import { toStatePaths, type StatePaths } from "../src/store/paths.ts";
import type { RunId } from "../src/run/id.ts";
import { compose, type Composition } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";
import { findFreePort, startProgram, waitForAnswer, type Program } from "./program.ts";
import { openStandIns, type StandIns } from "./stand-ins.ts";
import { toMedian, toMs, toTable } from "./statistics.ts";
import { waitUntil } from "./wait-until.ts";

/** From the start of the new process, in milliseconds. */
type Recovery = { gatewayMs: number; outputMs: number; modelMs: number; serverMs: number };

const ROUNDS = 5;
/** How long the agent's command takes, and how long nobody is there: it ends meanwhile, and the agent waits. */
const COMMAND_S = 2;
const AWAY_MS = 3_500;

/** A server that is killed while the agent works, and started again: how long until the run goes on. */
export async function measureRecovery(): Promise<string[]> {
  const asked: number[] = [];
  const port = await findFreePort();
  await using standIns = await openStandIns({
    script: () => {
      asked.push(performance.now());
      return [
        { items: [{ kind: "shell", command: `sleep ${COMMAND_S}` }] },
        { items: [{ kind: "say", text: "Done.\n::MCP_STATUS::DONE" }] },
      ];
    },
    database: "sqlite",
    environment: { PORT: String(port) },
  });
  const config = readConfig({ environment: { ...standIns.environment, LOG_LEVEL: "warn" }, folder: standIns.folder });
  await using product = await compose({ config, role: "look", createReporter: () => null });
  const rounds: Recovery[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await measureRound(standIns, { product, asked, url: `http://127.0.0.1:${port}` }));
  }
  const toRow = (name: string, pick: (round: Recovery) => number): string[] => {
    const values = rounds.map(pick);
    return [name, toMs(toMedian(values)), toMs(Math.max(...values))];
  };
  return [
    `serve killed with -9 while the agent's command ran, started again after ${toMs(AWAY_MS)}, ${ROUNDS} times; from the start of the new process`,
    ...toTable([
      ["", "median", "slowest"],
      toRow("the run's gateway is served again", ({ gatewayMs }) => gatewayMs),
      toRow("the run's output is read again", ({ outputMs }) => outputMs),
      toRow("the agent's next request reaches the model", ({ modelMs }) => modelMs),
      toRow("webhooks are answered again", ({ serverMs }) => serverMs),
    ]),
  ];
}

type RoundOptions = { product: Composition; asked: number[]; url: string };

async function measureRound(standIns: StandIns, { product, asked, url }: RoundOptions): Promise<Recovery> {
  const { github, runsPath } = standIns;
  asked.length = 0;
  const start = (): Program =>
    startProgram({ ...standIns, args: ["serve"], logPath: join(standIns.folder, "serve.log") });
  await using first = start();
  if (!(await waitForAnswer(`${url}/healthz`, { withinMs: 60_000 }))) throw new Error("the server is not up");
  await github.deliverComment({ url: `${url}/api/github/webhooks`, user: "octocat", body: "/codex Do it" });
  await waitUntil(() => (asked.length > 0 ? true : null), { what: "the model's first request" });
  await sleep(1_000);
  await first.kill();
  await sleep(AWAY_MS);

  const [newest] = await product.store.list({ limit: 1 });
  if (newest === undefined) throw new Error("there is no run");
  const before = Date.now();
  const startedAt = performance.now();
  await using _second = start();
  const since = async (event: Promise<unknown>): Promise<number> => {
    await event;
    return performance.now() - startedAt;
  };
  const paths = toStatePaths(runsPath);
  const [gatewayMs, outputMs, modelMs, serverMs] = await Promise.all([
    since(waitForGateway(paths, newest.runId)),
    since(waitForOutput(paths, { runId: newest.runId, before })),
    since(waitUntil(() => (asked.length > 1 ? true : null), { what: "the model's next request" })),
    since(waitForAnswer(`${url}/healthz`, { withinMs: 60_000 })),
  ]);
  if (asked.length !== 2) throw new Error(`the model was asked ${asked.length} times, not twice`);
  await waitUntilClosed(product);
  return { gatewayMs, outputMs, modelMs, serverMs };
}

/** The agent reaches its gateway through this socket. */
async function waitForGateway(paths: StatePaths, runId: RunId): Promise<void> {
  const path = join(paths.socketFolder(runId), "model.sock");
  for (;;) {
    const isServed = await new Promise<boolean>((resolve) => {
      const socket = connect(path);
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isServed) return;
    await sleep(2);
  }
}

/** Output that is read again is written again. */
async function waitForOutput(paths: StatePaths, { runId, before }: { runId: RunId; before: number }): Promise<void> {
  const path = toRunFile(paths, { runId, file: "events" });
  await waitUntil(() => (statSync(path).mtimeMs > before ? true : null), { what: "the run's output" });
}

async function waitUntilClosed({ store }: Composition): Promise<void> {
  while ((await store.listOpen()).length > 0) await sleep(100);
}
