import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compose, type Composition } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";
import { openStandIns, type StandIns } from "./stand-ins.ts";
import { createStormScript, deliver, prepareCommands, stormRepositories, type StormCommand } from "./storm-load.ts";
import { findFreePort, startProgram, waitForAnswer, type Program } from "./program.ts";
import { judgeStorm, toVerdictLines, watchDoubles, type Verdict } from "./storm-verdict.ts";

export type StormOptions = { kills: number; runs: number; database: "sqlite" | "postgres" };

/** What the storm blows on. */
type Sea = StandIns & {
  commands: StormCommand[];
  /** How often the model was asked, by command. */
  asked: Map<string, number>;
  /** The record, seen by a process that executes nothing. */
  product: Composition;
  url: string;
};

/** How long everything may take to settle after the last kill. */
const SETTLE_WITHIN_MS = 15 * 60_000;
/** The share of the kills by which every command has been delivered once. */
const DELIVERED_BY = 0.9;

/**
 * A mixed load of runs, and a server that is killed again and again at random moments, then left alone until everything
 * is settled. Throws when a run was lost or doubled, ended as it must not, or when anything is left.
 */
export async function measureKillStorm(options: StormOptions): Promise<string[]> {
  await using sea = await openSea(options);
  await using doubles = watchDoubles(sea.product);
  const startedAt = performance.now();
  const cancelling = cancelRuns(sea);
  const hits = await blow(sea, options);
  const stormS = (performance.now() - startedAt) / 1000;
  await settle(sea, { isOver: cancelling.over });
  const settledS = (performance.now() - startedAt) / 1000 - stormS;
  const verdict = await judgeStorm({ ...sea, containersAtOnce: doubles.found });
  const lines = [
    `${options.kills} kills in ${stormS.toFixed(0)} s over ${options.runs} runs on ${options.database === "sqlite" ? "SQLite" : "PostgreSQL"}, settled ${settledS.toFixed(0)} s after the last one`,
    `${hits.kills} of the kills while runs were under way or waited, ${(hits.runs / Math.max(1, hits.kills)).toFixed(1)} on average`,
    ...toVerdictLines(verdict),
  ];
  if (isGood(verdict)) return lines;
  sea.keepFolder();
  throw new Error(`${lines.join("\n")}\nthe storm did harm: see ${sea.folder}`);
}

function isGood({ lost, doubled, leftovers, unexpected }: Verdict): boolean {
  return lost.length + doubled.length + leftovers.length + unexpected.length === 0;
}

async function openSea({ runs, database }: StormOptions): Promise<Sea> {
  await using disposables = new AsyncDisposableStack();
  const asked = new Map<string, number>();
  const script = createStormScript((name) => asked.set(name, (asked.get(name) ?? 0) + 1));
  const port = await findFreePort();
  const environment = { PORT: String(port), MAX_CONCURRENT_RUNS: "4" };
  const standIns = disposables.use(
    await openStandIns({ script, database, repositories: stormRepositories, environment }),
  );
  const config = readConfig({
    environment: { ...standIns.environment, LOG_LEVEL: "warn" },
    folder: standIns.folder,
  });
  const product = disposables.use(await compose({ config, role: "look", createReporter: () => null }));
  const commands = await prepareCommands(standIns.github, { count: runs });
  const owned = disposables.move();
  return {
    ...{ ...standIns, commands, asked, product },
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function startServer({ environment, folder }: Sea): Program {
  return startProgram({ args: ["serve"], environment, folder, logPath: join(folder, "serve.log") });
}

/**
 * Kills one server after the other. The commands come in while they live and die. Resolves with how many kills hit a
 * server with something to do, and how many runs that were.
 */
async function blow(sea: Sea, { kills, runs }: StormOptions): Promise<{ kills: number; runs: number }> {
  const hits = { kills: 0, runs: 0 };
  let sent = 0;
  for (let kill = 1; kill <= kills; kill++) {
    await using server = startServer(sea);
    const lifeMs = toLifeMs();
    const due = Math.min(runs, Math.ceil((runs * kill) / (kills * DELIVERED_BY)));
    const now = sea.commands.slice(sent, due);
    sent = due;
    const deliveries = now.map(async (command) => {
      await sleep(Math.random() * lifeMs);
      await deliver(sea.github, { command, url: toWebhook(sea) });
    });
    deliveries.push(deliverAgain(sea, { delayMs: Math.random() * lifeMs }));
    const died = await Promise.race([server.exited, sleep(lifeMs, "alive" as const)]);
    if (died !== "alive") throw new Error(`a server ended by itself with ${died}: see ${sea.folder}/serve.log`);
    await server.kill();
    const open = await sea.product.store.listOpen();
    hits.runs += open.length;
    if (open.length > 0) hits.kills += 1;
    await Promise.all(deliveries);
    if (kill % 10 === 0) process.stderr.write(`  ${kill}/${kills} kills\n`);
  }
  return hits;
}

/** Some die while they start, most in the middle of something, a few after a while. */
function toLifeMs(): number {
  const kind = Math.random();
  if (kind < 0.2) return Math.random() * 1_500;
  return kind < 0.8 ? 1_000 + Math.random() * 4_000 : 5_000 + Math.random() * 5_000;
}

/** Now and then a person presses "Redeliver" for whichever delivery, or the sweeper does. */
async function deliverAgain(sea: Sea, { delayMs }: { delayMs: number }): Promise<void> {
  await sleep(delayMs);
  const known = new Set(sea.github.listDeliveries().map(({ guid }) => guid));
  const delivered = sea.commands.filter(({ deliveryId }) => known.has(deliveryId));
  const command = delivered[Math.floor(Math.random() * delivered.length)];
  if (command !== undefined && Math.random() < 0.3) await deliver(sea.github, { command, url: toWebhook(sea) });
}

/** Leaves one server alone until nothing is left to do. */
async function settle(sea: Sea, { isOver }: { isOver: Promise<void> }): Promise<void> {
  await using server = startServer(sea);
  if (!(await waitForAnswer(`${sea.url}/healthz`, { withinMs: 60_000 }))) throw new Error("the last server is not up");
  for (const command of sea.commands) {
    if (!isAnswered(sea, command)) await deliver(sea.github, { command, url: toWebhook(sea) });
  }
  const settled = waitUntilSettled(sea);
  const ended = await Promise.race([settled, server.exited.then((code) => `the last server ended with ${code}`)]);
  if (ended !== undefined) process.stderr.write(`  ${ended}\n`);
  await isOver;
}

async function waitUntilSettled({ product, commands }: Sea): Promise<void> {
  const endsAt = performance.now() + SETTLE_WITHIN_MS;
  while (performance.now() < endsAt) {
    const runs = await product.store.list({ limit: 1000 });
    const open = await product.store.listOpen();
    if (runs.length >= commands.length && open.length === 0) {
      // What is only told, as a reaction, comes a moment later.
      await sleep(10_000);
      return;
    }
    await sleep(500);
  }
  process.stderr.write("  it did not settle in time\n");
}

/** Whether a delivery of this command was answered with 2xx. */
function isAnswered({ github }: Sea, { deliveryId }: StormCommand): boolean {
  return github.listDeliveries().some(({ guid, statusCode }) => guid === deliveryId && statusCode < 300);
}

/** Cancels the runs that are to be cancelled, a moment after they were accepted: through the record, or by command. */
function cancelRuns(sea: Sea): { over: Promise<void> } {
  const wanted = sea.commands.filter(({ cancel }) => cancel !== null);
  const cancelOne = async (command: StormCommand): Promise<void> => {
    const runId = await findRun(sea, command);
    if (runId === null) return;
    await sleep(Math.random() * 10_000);
    if (command.cancel === "by-product") return void (await sea.product.orchestrator.cancel(runId));
    const { environment, folder } = sea;
    const args = ["runs", "cancel", runId];
    await startProgram({ args, environment, folder, logPath: join(folder, "cancel.log") }).exited;
  };
  const cancelAll = async (): Promise<void> => void (await Promise.all(wanted.map(cancelOne)));
  return { over: cancelAll() };
}

async function findRun({ product, github }: Sea, { commentId, repository }: StormCommand) {
  const endsAt = performance.now() + SETTLE_WITHIN_MS;
  while (performance.now() < endsAt) {
    for (const { runId, repo } of await product.store.list({ limit: 1000, repo: repository })) {
      const request = await product.store.request(runId);
      if (repo === repository && request?.thread?.comment_id === commentId) return runId;
    }
    await sleep(500);
  }
  process.stderr.write(`  no run for a comment of ${github.repository}\n`);
  return null;
}

function toWebhook({ url }: Sea): string {
  return `${url}/api/github/webhooks`;
}
