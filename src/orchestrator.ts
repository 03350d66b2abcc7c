import type { z } from "zod";
import { carryOutRun, layRequest } from "./orchestrator/carry-out-run.ts";
import type { StartRefusal } from "./budget/start-refusal.ts";
import type { Bell } from "./queue/bell.ts";
import { createDispatcher, type Dispatcher, type DispatcherOptions } from "./queue/dispatcher.ts";
import { createRunId, type RunId } from "./run/id.ts";
import { RunRequest, toRepositoryName } from "./run/request.ts";
import type { RunResult } from "./run/result.ts";
import type { CarryOutOptions } from "./orchestrator/run-life.ts";
import type { ClaimedRun, ClaimScope, ClaimStore } from "./store/claims.ts";
import type { CallMark } from "./store/add-run.ts";
import type { StartLimits } from "./store/start-limits.ts";
import type { RunStore } from "./store/runs.ts";
import { createQueueTeller } from "./orchestrator/tell-queue.ts";

/** A request before it is accepted: everything but what the orchestrator itself gives it. */
export type NewRun = Omit<z.input<typeof RunRequest>, "run_id" | "accepted_at">;

export type OrchestratorOptions = Omit<CarryOutOptions, "signals"> & {
  store: RunStore;
  claims: ClaimStore;
  bell: Bell;
  limits: { total: number; perRepository: number; maxQueued: number; start?: StartLimits };
  /**
   * What this process takes: `all` that anybody may execute, also what other processes left; `own` what it accepted
   * itself, which nobody else takes while it lives; `nothing` for one that only looks.
   */
  takes: ClaimScope | "nothing";
  /** The id of this process, when nobody else shall execute what it accepts. */
  home: string | null;
  checkPause?: DispatcherOptions<ClaimedRun>["checkPause"];
  /** Called when a run is begun that nobody began before. */
  onBegin?: () => void;
  /** Called when this process has let go of a run and goes on itself: somebody else may have it by now. Never rejects. */
  onLeft?: () => Promise<void>;
};

/** What became of a request. */
export type Acceptance = { kind: "accepted"; runId: RunId } | StartRefusal;

/** Accepts requests, queues them, executes them, and tells how they ended. */
export type Orchestrator = {
  /** Resolves once the request is on disk. The same `deliveryId`, or the same comment, again gives the same run. */
  accept(run: NewRun, options?: { deliveryId: string | null }): Promise<Acceptance>;
  /**
   * The same for a call that may be repeated: until its end was told, the same call again gives the same run. `conflict`: its
   * `deliveryId` was that of another call before.
   */
  acceptCall(
    run: NewRun,
    options: { deliveryId: string | null; call: CallMark },
  ): Promise<Acceptance | { kind: "conflict"; runId: RunId }>;
  /** Asks for a run's end, wherever it is and whoever executes it. */
  cancel(runId: RunId): Promise<"requested" | "over" | "unknown">;
  /** Resolves with a run's result, all of it, when it is over and, if this process executes it, reported. */
  settled(runId: RunId): Promise<RunResult>;
  /** Begins to take runs: what other processes left is taken up first. */
  start(): Promise<void>;
  /** Takes nothing more, and leaves what goes on to the next process. Resolves within a few seconds. */
  stop(): Promise<void>;
  /** Takes nothing more, and resolves when what goes on is over. */
  drain(): Promise<void>;
  /** Executes one certain run that nobody living owns, as a cancel without any server needs. False when somebody does. */
  take(runId: RunId): Promise<boolean>;
};

/** Joins record, queue and stages. Nothing starts before `start()`. */
export function createOrchestrator(options: OrchestratorOptions): Orchestrator {
  const { store, claims, bell, log, home } = options;
  let isStopping = false;
  const dispatcher = createDispatcher<ClaimedRun>({
    source: toWorkSource(options),
    execute: async (claimed, signals) => {
      if (beginsNow(claimed)) options.onBegin?.();
      const how = await carryOutRun(claimed, { ...options, signals });
      if (how === "left" && !isStopping) await options.onLeft?.();
    },
    ...(options.checkPause === undefined ? {} : { checkPause: options.checkPause }),
    log,
  });
  const teller = createQueueTeller({ store, reporter: options.reporter });
  bell.onRing(() => dispatcher.wake());

  const add = async (run: NewRun, mark: { deliveryId: string | null; call: CallMark | null }): Promise<Acceptance> => {
    const request = RunRequest.parse({ ...run, run_id: createRunId(), accepted_at: new Date().toISOString() });
    // The record first: what is killed in between leaves no files of a run that nobody knows.
    const { maxQueued, start: limits } = options.limits;
    const added = await store.add(request, { ...mark, home, maxQueued, ...(limits === undefined ? {} : { limits }) });
    if (added.kind === "duplicate") return { kind: "accepted", runId: added.runId };
    if (added.kind !== "new") {
      log.warn({ repo: toRepositoryName(request.repository), why: added }, "run refused");
      return added;
    }

    await layRequest(options.files, { request, log });
    const { run_id: runId, repository, trigger } = request;
    log.info({ runId, repo: toRepositoryName(repository), trigger: trigger.kind }, "run accepted");
    teller.follow(request);
    dispatcher.wake();
    bell.ring();
    return { kind: "accepted", runId };
  };

  return {
    accept: async (run, { deliveryId } = { deliveryId: null }) => {
      const known = deliveryId === null ? null : await store.findByDelivery(deliveryId);
      return known === null ? add(run, { deliveryId, call: null }) : { kind: "accepted", runId: known };
    },
    acceptCall: async (run, { deliveryId, call }) => {
      const accepted = await add(run, { deliveryId, call });
      if (accepted.kind !== "accepted" || deliveryId === null) return accepted;
      const asked = await store.findCallArgs(accepted.runId);
      return asked === null || asked === call.args ? accepted : { kind: "conflict", runId: accepted.runId };
    },
    cancel: async (runId) => {
      const answer = await store.requestCancel(runId);
      if (answer === "requested") {
        log.info({ runId }, "cancel was asked for");
        dispatcher.cancel(runId);
        dispatcher.wake();
        bell.ring();
      }
      return answer;
    },
    settled: (runId) => waitForResult(runId, { store, files: options.files, dispatcher }),
    start: () => dispatcher.start(),
    stop: async () => {
      isStopping = true;
      teller.stop();
      await dispatcher.stop();
    },
    drain: async () => {
      await dispatcher.drain();
      teller.stop();
    },
    take: async (runId) => {
      await claims.beat();
      const claimed = await claims.claim(runId);
      if (claimed !== null) dispatcher.begin(claimed);
      return claimed !== null;
    },
  };
}

function beginsNow({ record, checkpoint, result, cancelRequested }: ClaimedRun): boolean {
  return record === "whole" && checkpoint === null && result === null && !cancelRequested;
}

/** What this process takes of the record. */
function toWorkSource({ claims, limits, takes }: OrchestratorOptions): DispatcherOptions<ClaimedRun>["source"] {
  return {
    beat: () => claims.beat(),
    leave: () => claims.leave(),
    listSignals: () => claims.listSignals(),
    claimNext: async () => (takes === "nothing" ? null : claims.claimNext({ scope: takes, limits })),
    claimAbandoned: async () => (takes === "nothing" ? null : claims.claimAbandoned({ scope: takes })),
  };
}

/** How often the record is asked for the end of a run that somebody else executes, in milliseconds. */
const ASK_EVERY_MS = 250;

async function waitForResult(
  runId: RunId,
  { store, files, dispatcher }: Pick<OrchestratorOptions, "store" | "files"> & { dispatcher: Dispatcher<ClaimedRun> },
): Promise<RunResult> {
  for (;;) {
    await dispatcher.settled(runId);
    const isOver = await store.isOver(runId);
    const isExecuting = dispatcher.isExecuting(runId);
    const result = isOver && !isExecuting ? (await store.find(runId))?.result : null;
    if (result) return files.completeResult(result);
    await new Promise((resolve) => setTimeout(resolve, isExecuting ? 0 : ASK_EVERY_MS));
  }
}
