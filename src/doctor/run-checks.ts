import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../run/failure.ts";
import type { CheckName } from "./check-names.ts";
import { fail, type Check, type CheckResult, type Finding } from "./check.ts";

const TIDY_MS = 5_000;

/** How a step ended; `blocked` names the step that failed at the bottom of it. */
type Ending = Finding | { verdict: "blocked"; by: CheckName };

export type RunChecksOptions = {
  /** Hears of each result in the order of the list, as soon as it and all before it are there. */
  onResult?: (result: CheckResult) => void;
  /** Hears, once, which checks are not over after this time, in milliseconds; those that only wait for others are not named. */
  onWaiting?: { afterMs: number; tell: (names: CheckName[]) => void };
  /** What a check that ran out of time may still take to remove what it made, in milliseconds. Default 5 s. */
  tidyMs?: number;
};

/**
 * Runs all checks, side by side as far as their needs allow, and gives their results in the order of the list.
 *
 * Never rejects: whatever a check throws, or does not do in time, is its failure.
 */
export async function runChecks(checks: readonly Check[], options: RunChecksOptions = {}): Promise<CheckResult[]> {
  const running = new Set<CheckName>();
  const endings = startAll(checks, { tidyMs: options.tidyMs ?? TIDY_MS, running });
  using _notice = startNotice(options.onWaiting, { running });
  const results: CheckResult[] = [];
  for (const { name } of checks) {
    const result = toResult(name, (await endings.get(name)) ?? { verdict: "blocked", by: name });
    options.onResult?.(result);
    results.push(result);
  }
  return results;
}

function startNotice(onWaiting: RunChecksOptions["onWaiting"], { running }: { running: Set<CheckName> }): Disposable {
  const tell = (): void => {
    if (running.size > 0) onWaiting?.tell([...running]);
  };
  const timer = onWaiting === undefined ? undefined : setTimeout(tell, onWaiting.afterMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** `running` holds the checks that are being tried right now. */
type StartOptions = { tidyMs: number; running: Set<CheckName> };

function startAll(checks: readonly Check[], { tidyMs, running }: StartOptions): Map<CheckName, Promise<Ending>> {
  const endings = new Map<CheckName, Promise<Ending>>();
  const start = (check: Check): Promise<Ending> => {
    const started = endings.get(check.name);
    if (started !== undefined) return started;
    const needs = checks.filter(({ name }) => check.needs.includes(name));
    const ending = runAfter(
      needs.map((need) => ({ name: need.name, ending: start(need) })),
      { check, tidyMs, running },
    );
    endings.set(check.name, ending);
    return ending;
  };
  for (const check of checks) void start(check);
  return endings;
}

type Need = { name: CheckName; ending: Promise<Ending> };

async function runAfter(needs: Need[], { check, tidyMs, running }: StartOptions & { check: Check }): Promise<Ending> {
  for (const { name, ending } of needs) {
    const need = await ending;
    if (need.verdict === "blocked") return need;
    if (need.verdict === "failed") return { verdict: "blocked", by: name };
  }
  running.add(check.name);
  return runInTime(check, { tidyMs }).finally(() => running.delete(check.name));
}

async function runInTime(check: Check, { tidyMs }: { tidyMs: number }): Promise<Finding> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), check.timeoutMs);
  const late = fail(`it was not over within ${check.timeoutMs / 1000} s`, {
    mend: "Try again when the machine is less busy; if that does not help, look at what answers so slowly.",
  });
  const isOver = new AbortController();
  try {
    const work = settle(check.run({ signal: clock.signal }));
    const finding = await Promise.race([work, waitForLate(clock.signal, { tidyMs, isOver: isOver.signal })]);
    // What a check says after its time mostly tells of the abort itself.
    return finding === null || (clock.signal.aborted && finding.verdict === "failed") ? late : finding;
  } catch (error) {
    return toFailure(error);
  } finally {
    clearTimeout(timer);
    isOver.abort();
  }
}

/** An error as a finding, so that the loser of the race above is never an unhandled rejection. */
function settle(work: Promise<Finding>): Promise<Finding> {
  return work.catch(toFailure);
}

/** Null once the time is up and the time for tidying up is over, too. */
async function waitForLate(
  clock: AbortSignal,
  { tidyMs, isOver }: { tidyMs: number; isOver: AbortSignal },
): Promise<null> {
  if (!clock.aborted) await new Promise((resolve) => clock.addEventListener("abort", resolve, { once: true }));
  await sleep(tidyMs, undefined, { signal: isOver }).catch(() => {});
  return null;
}

function toFailure(error: unknown): Finding {
  if (error instanceof RunError) return fail(error.message, { mend: error.failure.hint });
  const message = error instanceof Error ? error.message : String(error);
  return fail(`it could not be tried: ${message}`, { mend: "Mend what the message names, then try again." });
}

function toResult(name: CheckName, ending: Ending): CheckResult {
  switch (ending.verdict) {
    case "passed":
      return { name, ok: true, detail: ending.detail, mend: null };
    case "failed":
      return { name, ok: false, detail: ending.detail, mend: ending.mend };
    case "blocked":
      return { name, ok: false, detail: `not checked: ${ending.by}`, mend: `Mend ${ending.by} first.` };
  }
}
