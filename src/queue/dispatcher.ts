import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import { DetachedError } from "../run/detached.ts";
import type { RunId } from "../run/id.ts";
import { createGuard } from "./guard.ts";

/** How a run that is executed is told what others want of it. */
export type WorkSignals = {
  /** Aborted when somebody cancelled the run. */
  cancel: AbortSignal;
  /** Aborted when the run is to be let go of as it is: this process ends, or has lost the run to another one. */
  detach: AbortSignal;
};

/** A run that this process has claimed. */
export type Work = { request: { run_id: RunId }; cancelRequested: boolean };

/** The record, as the dispatcher sees it: what may be taken, and what is asked of what was taken. */
export type WorkSource<Claimed extends Work> = {
  /** Makes or renews the lease of this process; without it others take its runs over. */
  beat(): Promise<void>;
  /** Ends the lease. */
  leave(): Promise<void>;
  /** The next run in line that may start now; null when there is none. */
  claimNext(): Promise<Claimed | null>;
  /** A run that another process began and left; null when there is none. */
  claimAbandoned(): Promise<Claimed | null>;
  listSignals(): Promise<{ cancel: RunId[]; lost: RunId[] }>;
};

export type DispatcherOptions<Claimed extends Work> = {
  source: WorkSource<Claimed>;
  /** Brings a run to its end, or lets go of it; never rejects. */
  execute(claimed: Claimed, signals: WorkSignals): Promise<void>;
  /** What must not be taken for now: new runs, or nothing at all. */
  checkPause?: () => Promise<"none" | "new-runs" | "all">;
  log: Logger;
  /** How often it renews its lease, looks for work without being woken, and asks for signals, in milliseconds. */
  periods?: Partial<Periods>;
};

type Periods = { beatMs: number; lookMs: number; abandonedMs: number; signalMs: number };

/** The lease of a process lasts 20 s, so four beats may fail. */
const PERIODS: Periods = { beatMs: 4_000, lookMs: 1_000, abandonedMs: 5_000, signalMs: 500 };

/** How long letting go of runs may take before the process ends all the same. */
const LET_GO_MS = 3_000;

/** Takes runs from the record and has them executed, as many at once as the record allows. */
export type Dispatcher<Claimed extends Work> = {
  /** Begins to take runs: first those that were left behind. Resolves when those of this machine are taken. */
  start(): Promise<void>;
  /** Looks for work now. */
  wake(): void;
  /** Executes a run that was claimed outside of the line. */
  begin(claimed: Claimed): void;
  /** Tells a run of this process that it is cancelled, without waiting for the record to be asked. */
  cancel(runId: RunId): void;
  isExecuting(runId: RunId): boolean;
  /** Resolves when this process does not execute the run. */
  settled(runId: RunId): Promise<void>;
  /** Takes nothing more and lets go of what goes on, for others to take over. Resolves within a few seconds. */
  stop(): Promise<void>;
  /** Takes nothing more, and resolves when what goes on is over. */
  drain(): Promise<void>;
};

type Active = { cancel: AbortController; detach: AbortController; settled: Promise<void> };

/** Makes a dispatcher; it does nothing before `start()`. */
export function createDispatcher<Claimed extends Work>(options: DispatcherOptions<Claimed>): Dispatcher<Claimed> {
  const { source, log } = options;
  const periods = { ...PERIODS, ...options.periods };
  const active = new Map<RunId, Active>();
  const timers: NodeJS.Timeout[] = [];
  const taking: Taking = { state: "not-yet" };
  const guard = (doing: string, body: () => Promise<void>) => createGuard(body, { doing, log });

  const taker = createTaker(options, { active, taking, look: () => void lookNext() });
  const lookNext = guard("look for the next run", taker.takeNext);
  const lookAbandoned = guard("look for runs that were left", taker.takeAbandoned);
  const beat = guard("renew the lease", () => source.beat());
  const hear = guard("ask for signals", () => hearSignals(source, active));
  const every = (ms: number, body: () => Promise<void>) => timers.push(setInterval(() => void body(), ms).unref());
  const allSettled = () => Promise.all([...active.values()].map(({ settled }) => settled));
  /** A record that is away must not keep the process from its end: the lease runs out by itself. */
  const leave = async (inTime: Promise<void>): Promise<void> => {
    const left = source.leave().catch((error: unknown) => log.warn({ err: error }, "lease could not be ended"));
    await Promise.race([left, inTime]);
  };
  const end = (): void => {
    taking.state = "no-more";
    for (const timer of timers.splice(0)) clearInterval(timer);
  };

  return {
    start: async () => {
      await source.beat();
      taking.state = "yes";
      every(periods.beatMs, beat);
      every(periods.lookMs, lookNext);
      every(periods.abandonedMs, lookAbandoned);
      every(periods.signalMs, hear);
      await lookAbandoned();
      void lookNext();
    },
    wake: () => void lookNext(),
    begin: taker.begin,
    cancel: (runId) => active.get(runId)?.cancel.abort(),
    isExecuting: (runId) => active.has(runId),
    settled: async (runId) => active.get(runId)?.settled,
    stop: async () => {
      end();
      const isGoing = active.size > 0;
      for (const { detach } of active.values()) detach.abort(new DetachedError());
      // What is asked of the record just now is waited for as well, so that the database can be closed.
      const letGo = Promise.all([allSettled(), lookNext(), lookAbandoned(), hear()]);
      const inTime = sleep(LET_GO_MS, undefined, { ref: false });
      await Promise.race([letGo, inTime]);
      // With something to go on with, the lease runs out by itself: this machine, where it all lies, comes first.
      if (!isGoing) await leave(inTime);
    },
    drain: async () => {
      end();
      every(periods.beatMs, beat);
      every(periods.signalMs, hear);
      while (active.size > 0) await allSettled();
      end();
      await leave(sleep(LET_GO_MS, undefined, { ref: false }));
    },
  };
}

type Taking = { state: "not-yet" | "yes" | "no-more" };
type Hands = { active: Map<RunId, Active>; taking: Taking; look: () => void };

/** Takes runs and has them executed. */
function createTaker<Claimed extends Work>(options: DispatcherOptions<Claimed>, { active, taking, look }: Hands) {
  const { source, execute, checkPause = async () => "none" } = options;
  const begin = (claimed: Claimed): void => {
    const runId = claimed.request.run_id;
    const [cancel, detach] = [new AbortController(), new AbortController()];
    if (claimed.cancelRequested) cancel.abort();
    // It was being taken while this process was told to stop.
    if (taking.state === "no-more") detach.abort(new DetachedError());
    const settled = execute(claimed, { cancel: cancel.signal, detach: detach.signal }).finally(() => {
      active.delete(runId);
      look();
    });
    active.set(runId, { cancel, detach, settled });
  };
  const takeAll = async (claim: () => Promise<Claimed | null>, isFree: () => Promise<boolean>): Promise<void> => {
    for (;;) {
      if (taking.state !== "yes" || !(await isFree())) return;
      const claimed = await claim();
      if (claimed === null) return;
      begin(claimed);
    }
  };
  return {
    begin,
    takeNext: () =>
      takeAll(
        () => source.claimNext(),
        async () => (await checkPause()) === "none",
      ),
    takeAbandoned: () =>
      takeAll(
        () => source.claimAbandoned(),
        async () => (await checkPause()) !== "all",
      ),
  };
}

async function hearSignals<Claimed extends Work>(
  source: WorkSource<Claimed>,
  active: ReadonlyMap<RunId, Active>,
): Promise<void> {
  if (active.size === 0) return;
  const { cancel, lost } = await source.listSignals();
  for (const runId of cancel) active.get(runId)?.cancel.abort();
  for (const runId of lost) active.get(runId)?.detach.abort(new DetachedError("Another process took the run over."));
}
