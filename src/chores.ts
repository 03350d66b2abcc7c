import type { Composition } from "./compose.ts";
import { createGuard } from "./queue/guard.ts";
import { reapRemains } from "./remains.ts";
import type { GitHubApp } from "./trigger/github/app.ts";
import { createDeliverySweeper } from "./trigger/github/sweep-deliveries.ts";

/** How often what was left or missed is looked for, in seconds. */
const REAP_EVERY_S = 120;
const RESUME_EVERY_S = 60;
const SWEEP_EVERY_S = 300;
const PRUNE_EVERY_S = 86_400;

/**
 * Begins what is done again and again: on every machine for what lies on it, on one of them for what lies on GitHub.
 * `gitHubApp` is null for a process that takes no deliveries. Disposing it ends the periods.
 */
export async function startChores(product: Composition, gitHubApp: GitHubApp | null): Promise<Disposable> {
  const { bell, github, log, remains } = product;
  const timers = [every(REAP_EVERY_S, () => reapRemains(remains))];
  if (gitHubApp !== null) {
    timers.push(every(RESUME_EVERY_S, () => gitHubApp.resumeUnhandled()));
    const sweeper = createDeliverySweeper({ appOctokit: () => toAppClient(github), log });
    const sweep = createGuard(async () => void (await sweeper.sweep()), { doing: "look for missed deliveries", log });
    // At a start in any case: what was missed was missed because nobody listened here.
    void sweep();
    await bell.every("sweep-deliveries", { seconds: SWEEP_EVERY_S }, sweep);
  }
  await bell.every("prune", { seconds: PRUNE_EVERY_S }, () => prune(product));
  return { [Symbol.dispose]: () => timers.forEach((timer) => clearInterval(timer)) };
}

/** Removes from the database what is older than it is to be kept. */
async function prune({ config, deliveries, files, log }: Composition): Promise<void> {
  const before = new Date(Date.now() - config.retentionDays * 86_400_000);
  const [runs, handled] = [await files.prune(before), await deliveries.prune(before)];
  if (runs + handled > 0) log.info({ runs, deliveries: handled }, "what was kept long enough was removed");
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
