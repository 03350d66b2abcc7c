import type { Composition } from "../compose.ts";
import { makeRunnerParts } from "../container/runner-parts.ts";
import { createGuard } from "../queue/guard.ts";
import { reapRemains } from "./remains.ts";
import { sumBytes } from "../retention/report.ts";
import type { GitHubApp } from "../trigger/github/app.ts";
import { createDeliverySweeper } from "../trigger/github/sweep-deliveries.ts";

/** How often what was left or missed is looked for, in seconds. */
const REAP_EVERY_S = 120;
const RESUME_EVERY_S = 60;
const SWEEP_EVERY_S = 300;
const PRUNE_EVERY_S = 86_400;
const PARTS_EVERY_S = 600;

/**
 * Begins what is done again and again: on every machine for what lies on it, on one of them for what lies on GitHub.
 * `gitHubApp` is null for a process that takes no deliveries. Disposing it ends the periods.
 */
export async function startChores(product: Composition, gitHubApp: GitHubApp | null): Promise<Disposable> {
  const { bell, github, log, remains } = product;
  const ending = new AbortController();
  const pruneUntilEnd = async (): Promise<void> => {
    await prune(product).catch((error: unknown) => {
      // The database is closed under it then; the next start goes on with what is left.
      if (!ending.signal.aborted) throw error;
    });
  };
  const pruneOld = createGuard(pruneUntilEnd, { doing: "remove what was kept long enough", log });
  const timers = [every(REAP_EVERY_S, () => reapRemains(remains)), every(PRUNE_EVERY_S, pruneOld)];
  if (product.config.allowedImages !== null) timers.push(every(PARTS_EVERY_S, toPartsMaker(product)));
  if (gitHubApp !== null) {
    timers.push(every(RESUME_EVERY_S, () => gitHubApp.resumeUnhandled()));
    const sweeper = createDeliverySweeper({ appOctokit: () => toAppClient(github), log });
    const sweep = createGuard(async () => void (await sweeper.sweep()), { doing: "look for missed deliveries", log });
    // At a start in any case: what was missed was missed because nobody listened here.
    void sweep();
    await bell.every("sweep-deliveries", { seconds: SWEEP_EVERY_S }, sweep);
  }
  return {
    [Symbol.dispose]: () => {
      ending.abort();
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** Other images than the runner image need a copy of its parts, which somebody may remove with volumes that nothing uses. */
function toPartsMaker({ engine, config, log }: Composition): () => Promise<void> {
  const make = async (): Promise<void> => {
    const { volume, made } = await makeRunnerParts(engine, config);
    if (made === "now") log.info({ volume }, "the runner's parts were copied for other images");
  };
  return createGuard(make, { doing: "copy the runner's parts for other images", log });
}

/** Removes what is older than it is to be kept, on this machine and in the database. */
async function prune({ config, log, ...product }: Composition): Promise<void> {
  const before = new Date(Date.now() - config.retentionDays * 86_400_000);
  const report = await product.prune({ before, how: "remove" });
  if (report === "busy") return;
  const { deliveries, failures } = report;
  if (failures.length > 0) log.error({ failures }, "not all that was kept long enough could be removed");
  const [runs, folders, mirrors] = [report.runs.length, report.folders.length, report.mirrors.length];
  const [setUpLayers, images] = [report.setUpLayers.length, report.images.length];
  if (runs + folders + mirrors + setUpLayers + images + deliveries === 0) return;
  log.info(
    { runs, folders, mirrors, setUpLayers, images, deliveries, bytes: sumBytes(report) },
    "what was kept long enough was removed",
  );
}

/** Does it now and then every so often, without keeping the process up. */
function every(seconds: number, body: () => Promise<void>): NodeJS.Timeout {
  // A chore tells by itself what goes wrong, and is done again.
  const quietly = (): void => void body().catch(() => {});
  quietly();
  return setInterval(quietly, seconds * 1000).unref();
}

function toAppClient({ appOctokit }: Composition["github"]) {
  const client = appOctokit();
  if (client === null) throw new Error("There is no GitHub App to ask as.");
  return client;
}
