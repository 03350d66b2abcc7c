import { setTimeout as sleep } from "node:timers/promises";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { ANSWER_CLASSES, toAnswerClass, type AnswerCounts } from "../gateway/answer-counts.ts";
import { SET_UP_WAYS, type SetUpCounts } from "../set-up/set-up-counts.ts";
import type { EndedRun, EndsFollower } from "../store/ended-runs.ts";
import type { QueueMeasure } from "../store/measure-queue.ts";
import { sendJson, type Route } from "./server.ts";

/** Where the numbers come from. */
export type MetricsOptions = {
  measureQueue: () => Promise<QueueMeasure>;
  followEnds: () => Promise<EndsFollower>;
  /** Tokens that all runs together may still use; null when that is not limited. */
  readBudgetLeft: () => Promise<number | null>;
  modelAnswers: Pick<AnswerCounts, "read">;
  setUps: Pick<SetUpCounts, "read">;
  onError: (error: unknown) => void;
};

/** `GET /metrics`, in Prometheus's text format. No label tells of a repository, a person or a run. */
export type Metrics = {
  route: Route;
  registry: Registry;
  /** A webhook was answered with this status. */
  noteWebhook(status: number): void;
};

/** How long what was read of the record is good for, and how long it is waited for, in milliseconds. */
const KEPT_MS = 2000;
const WITHIN_MS = 3000;

/** Makes the registry and its route. Runs are counted from now on, whoever executes them. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { measureQueue, followEnds, readBudgetLeft, modelAnswers, setUps, onError } = options;
  const registry = new Registry();
  const numbers = createNumbers(registry, { modelAnswers, setUps });
  let ends: EndsFollower | null = null;
  const readRecord = async (): Promise<void> => {
    try {
      ends ??= await followEnds();
      for (const run of await ends.next()) numbers.noteRun(run);
      numbers.setQueue(await measureQueue());
      numbers.setBudgetLeft(await readBudgetLeft());
      numbers.recordUp.set(1);
    } catch (error) {
      numbers.recordUp.set(0);
      onError(error);
    }
  };
  const read = createKept(readRecord);
  void read();

  return {
    registry,
    noteWebhook: (status) => numbers.webhooks.inc({ class: toAnswerClass(status) }),
    route: async (request, response, path) => {
      if (path !== "/metrics") return false;
      if (request.method !== "GET" && request.method !== "HEAD") {
        sendJson(response, { status: 405, body: { error: "only GET" } });
        return true;
      }
      if (!(await endsInTime(read()))) numbers.recordUp.set(0);
      response.writeHead(200, { "content-type": registry.contentType, "x-content-type-options": "nosniff" });
      response.end(await registry.metrics());
      return true;
    },
  };
}

type Numbers = {
  webhooks: Counter<"class">;
  recordUp: Gauge;
  noteRun(run: EndedRun): void;
  setQueue(queue: QueueMeasure): void;
  setBudgetLeft(tokens: number | null): void;
};

const STAGES = ["queued", "cloning", "running", "publishing"] as const;
const SECONDS = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

function createNumbers(registry: Registry, counted: Pick<MetricsOptions, "modelAnswers" | "setUps">): Numbers {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const prefix = "codex_orchestrator_";
  const runs = new Counter({
    ...{ name: `${prefix}runs_total`, labelNames: ["status", "mode", "trigger"], registers },
    help: "Runs that ended since this process started, whoever executed them.",
  });
  const failures = new Counter({
    ...{ name: `${prefix}run_failures_total`, labelNames: ["reason"], registers },
    help: "Runs that ended with a failure, by its reason.",
  });
  const stages = new Histogram({
    ...{ name: `${prefix}run_stage_seconds`, labelNames: ["stage"], buckets: SECONDS, registers },
    help: "Seconds that runs that ended spent in each stage.",
  });
  const tokens = new Counter({
    ...{ name: `${prefix}tokens_total`, labelNames: ["kind"], registers },
    help: "Tokens of runs that ended, as counted in the gateway; cached_input is part of input.",
  });
  const queue = new Gauge({
    ...{ name: `${prefix}queue_runs`, labelNames: ["place"], registers },
    help: "Runs that wait, and runs that are executed, by all processes together.",
  });
  const oldest = new Gauge({
    ...{ name: `${prefix}queue_oldest_seconds`, registers },
    help: "How long the run that waits longest has waited; 0 when none waits.",
  });
  const budget = new Gauge({
    ...{ name: `${prefix}budget_remaining_tokens`, labelNames: ["budget"], registers },
    help: "Tokens left of MAX_TOKENS_PER_DAY within the last 24 hours; absent where that is not set.",
  });
  const recordUp = new Gauge({
    ...{ name: `${prefix}record_up`, registers },
    help: "1 when the database answered this look; at 0 the numbers of runs and queue are those of before.",
  });
  const webhooks = new Counter({
    ...{ name: `${prefix}webhook_answers_total`, labelNames: ["class"], registers },
    help: "Answers to webhooks, by status class.",
  });
  addModelAnswers(registry, { ...counted, prefix });
  addSetUps(registry, { ...counted, prefix });
  return {
    ...{ webhooks, recordUp },
    noteRun: ({ status, mode, trigger, error, timings, usage }) => {
      runs.inc({ status, mode, trigger: trigger.kind });
      if (error !== null) failures.inc({ reason: error.reason });
      for (const stage of STAGES) {
        const seconds = timings[stage];
        if (seconds !== null) stages.observe({ stage }, seconds);
      }
      tokens.inc({ kind: "input" }, usage?.input_tokens ?? 0);
      tokens.inc({ kind: "cached_input" }, usage?.cached_input_tokens ?? 0);
      tokens.inc({ kind: "output" }, usage?.output_tokens ?? 0);
    },
    setQueue: ({ waiting, executing, oldestAcceptedAt }) => {
      queue.set({ place: "waiting" }, waiting);
      queue.set({ place: "executing" }, executing);
      oldest.set(oldestAcceptedAt === null ? 0 : Math.max(0, (Date.now() - Date.parse(oldestAcceptedAt)) / 1000));
    },
    setBudgetLeft: (left) => {
      if (left !== null) budget.set({ budget: "day" }, left);
    },
  };
}

/** Counted elsewhere, and taken over when somebody asks. */
function addModelAnswers(
  registry: Registry,
  { modelAnswers, prefix }: Pick<MetricsOptions, "modelAnswers"> & { prefix: string },
): void {
  const answers: Counter<"class"> = new Counter({
    ...{ name: `${prefix}model_answers_total`, labelNames: ["class"], registers: [registry] },
    help: "Answers of this process's gateways to what runs asked the model, by status class; cut: without an end.",
    collect: () => {
      answers.reset();
      for (const name of ANSWER_CLASSES) answers.inc({ class: name }, modelAnswers.read().get(name) ?? 0);
    },
  });
}

/** Counted elsewhere, as well. */
function addSetUps(registry: Registry, { setUps, prefix }: Pick<MetricsOptions, "setUps"> & { prefix: string }): void {
  const registers = [registry];
  const ends: Counter<"way"> = new Counter({
    ...{ name: `${prefix}set_ups_total`, labelNames: ["way"], registers },
    help: "Set-ups of repositories by this process: reused, kept (made for later runs), not-kept, failed.",
    collect: () => {
      ends.reset();
      for (const way of SET_UP_WAYS) ends.inc({ way }, setUps.read().get(way)?.count ?? 0);
    },
  });
  const seconds: Counter<"way"> = new Counter({
    ...{ name: `${prefix}set_up_seconds_total`, labelNames: ["way"], registers },
    help: "Seconds that those set-ups took.",
    collect: () => {
      seconds.reset();
      for (const way of SET_UP_WAYS) seconds.inc({ way }, setUps.read().get(way)?.seconds ?? 0);
    },
  });
}

/** Does it once for all who ask within two seconds, and never beside itself. */
function createKept(body: () => Promise<void>): () => Promise<void> {
  let going: Promise<void> | null = null;
  let doneAtMs = -Infinity;
  return () => {
    if (going === null && performance.now() - doneAtMs < KEPT_MS) return Promise.resolve();
    going ??= body().finally(() => {
      going = null;
      doneAtMs = performance.now();
    });
    return going;
  };
}

async function endsInTime(work: Promise<void>): Promise<boolean> {
  const done = new AbortController();
  const late = sleep(WITHIN_MS, false, { signal: done.signal }).catch(() => false);
  const inTime = await Promise.race([work.then(() => true), late]);
  done.abort();
  return inTime;
}
