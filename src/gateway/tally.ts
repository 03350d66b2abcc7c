import type { FailureReason } from "../run/failure.ts";
import type { Usage } from "../run/result.ts";

/** What is wrong with the model, in one sentence that holds no key. */
export type GatewayFailure = {
  reason: Extract<FailureReason, "model-auth" | "model-quota" | "model-unavailable" | "budget-exceeded">;
  message: string;
  /** What to do about it; the reason's usual hint when it says nothing. */
  hint?: string | undefined;
  /** `service`: any run would meet it. `run`: only what this one asked for is wrong, and others may fare better. */
  concerns: "service" | "run";
};

/** What one run may spend; a missing limit is no limit. */
export type Budget = {
  /** Input and output tokens together. Checked before each request, so the last one may go over it. */
  maxTokens?: number | undefined;
  maxRequests?: number | undefined;
};

/** One run's counters. The only thing that requests of the same run share. */
export type Tally = {
  readonly usage: Readonly<Usage>;
  readonly requests: number;
  readonly model: string | null;
  readonly failure: GatewayFailure | null;
  readonly lastActivityAt: number;
  /** Counts a request to be sent, or says why the budget does not allow it; that refusal is final. */
  admit(request: { model: string | null }): GatewayFailure | null;
  /** The model API sent something. */
  touch(): void;
  /** An answer ended with these tokens. */
  addUsage(usage: Usage): void;
  /** An answer was begun and ended without its count: its likely tokens weigh on the budget, not on `usage`. */
  addUncounted(tokens: number): void;
  fail(failure: GatewayFailure): void;
  /** An answer was a good one: what failed before it was passing. A spent budget stays spent. */
  recover(): void;
};

export type CreateTallyOptions = {
  budget?: Budget | undefined;
  /** What was counted before this process took the run over; it weighs on the budget as well. Default: nothing. */
  initialUsage?: Usage | undefined;
  initialRequests?: number | undefined;
  /** Told the new total after each answer that said its tokens. Must not throw. */
  onUsage?: ((usage: Usage) => void) | undefined;
  /** Told what each answer used, also where it did not say so itself. Must not throw. */
  onTokens?: ((tokens: number) => void) | undefined;
  /** Told of each good answer. Must not throw. */
  onGoodAnswer?: (() => void) | undefined;
  /** Milliseconds of a clock that never goes back. Default: `performance.now()`. */
  now?: () => number;
};

const NOTHING: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };

/** Makes the counters of one run. */
export function createTally(options: CreateTallyOptions = {}): Tally {
  const { budget = {}, initialUsage = NOTHING, initialRequests = 0, now = () => performance.now() } = options;
  const usage = { ...initialUsage };
  let requests = initialRequests;
  let uncounted = 0;
  let model: string | null = null;
  let failure: GatewayFailure | null = null;
  let lastActivityAt = now();

  const fail = (next: GatewayFailure): void => {
    if (failure?.reason !== "budget-exceeded") failure = next;
  };
  return {
    usage,
    get requests() {
      return requests;
    },
    get model() {
      return model;
    },
    get failure() {
      return failure;
    },
    get lastActivityAt() {
      return lastActivityAt;
    },
    admit(request) {
      const spent = toSpent(budget, { requests, tokens: usage.input_tokens + usage.output_tokens + uncounted });
      if (spent !== null) {
        fail(spent);
        return spent;
      }
      requests += 1;
      model ??= request.model;
      return null;
    },
    touch() {
      lastActivityAt = now();
    },
    addUsage(added) {
      usage.input_tokens += added.input_tokens;
      usage.cached_input_tokens += added.cached_input_tokens;
      usage.output_tokens += added.output_tokens;
      options.onTokens?.(added.input_tokens + added.output_tokens);
      options.onUsage?.({ ...usage });
    },
    addUncounted(tokens) {
      uncounted += tokens;
      options.onTokens?.(tokens);
    },
    fail,
    recover() {
      if (failure?.reason !== "budget-exceeded") failure = null;
      options.onGoodAnswer?.();
    },
  };
}

function toSpent(budget: Budget, { requests, tokens }: { requests: number; tokens: number }): GatewayFailure | null {
  if (budget.maxRequests !== undefined && requests >= budget.maxRequests)
    return {
      reason: "budget-exceeded",
      concerns: "run",
      message: `The run made as many requests to the model as it may (${budget.maxRequests}).`,
    };
  if (budget.maxTokens !== undefined && tokens >= budget.maxTokens)
    return {
      reason: "budget-exceeded",
      concerns: "run",
      message: `The run used up its budget of ${budget.maxTokens} tokens.`,
    };
  return null;
}
