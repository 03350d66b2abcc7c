import { setTimeout as sleep } from "node:timers/promises";
import { retry } from "@octokit/plugin-retry";
import { throttling } from "@octokit/plugin-throttling";
import { Octokit } from "@octokit/rest";
import Bottleneck from "bottleneck";
import type { Logger } from "../logger.ts";
import { toAskedPauseS } from "./github-failure.ts";

export type GitHubClientsOptions = {
  apiUrl: string;
  log: Logger;
  /** How long a second lasts that a server asks to wait, in milliseconds; tests make it shorter. Default 1000. */
  secondMs?: number;
  /** How many writes of one key begin at once before they are spaced to one a second. Default 20. */
  writesAtOnce?: number;
};

export type ClientOptions = {
  /** Whose writes are spaced and paused together: an installation has limits of its own; `app` is the App itself. */
  spacing: string;
  /** How Octokit is to authenticate; left out when a hook of the caller's does. */
  credentials?: Pick<NonNullable<ConstructorParameters<typeof Octokit>[0]>, "auth" | "authStrategy">;
};

/** Makes the REST clients of one GitHub, which know of each other's limits. */
export type GitHubClients = { create(options: ClientOptions): Octokit };

/** Longest wait for one answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Begins without any limit known. */
export function createGitHubClients(options: GitHubClientsOptions): GitHubClients {
  const { apiUrl, log, secondMs = 1000, writesAtOnce = 20 } = options;
  const spacing = createSpacing(writesAtOnce);
  const say = (text: string): void => log.debug({ library: "octokit", text }, "octokit said something");
  const onLimit = (kind: "primary" | "secondary") => {
    return (
      retryAfterS: number,
      request: { method: string; url: string },
      _octokit: unknown,
      retries: number,
    ): boolean => {
      log.warn({ kind, retryAfterS, method: request.method, url: request.url }, "rate limit of GitHub was reached");
      return retries < 3;
    };
  };
  return {
    create: ({ spacing: name, credentials }) => {
      const key = `${apiUrl}#${name}`;
      // Of several plugins the first one stands nearest to the request.
      const Client = Octokit.plugin(
        limitAnswerTime,
        (octokit: HookedOctokit) => noteLimits(octokit, { onLimit: (pauseS) => spacing.pause(key, pauseS * secondMs) }),
        retry,
        throttling,
      );
      return new Client({
        baseUrl: apiUrl,
        userAgent: "codex-orchestrator",
        log: { debug: () => {}, info: () => {}, warn: say, error: say },
        retry: { retryAfterBaseValue: secondMs },
        throttle: {
          id: key,
          // Tokens are not content: minting them is bounded, not spaced.
          write: name === "app" ? spacing.mints : spacing.writes,
          notifications: spacing.writes,
          retryAfterBaseValue: secondMs,
          onRateLimit: onLimit("primary"),
          onSecondaryRateLimit: onLimit("secondary"),
        },
        ...credentials,
      });
    },
  };
}

type Spacing = {
  writes: Bottleneck.Group;
  mints: Bottleneck.Group;
  /** Lets no other write of this key begin for so long. */
  pause(key: string, pauseMs: number): void;
};

/** GitHub asks for about one write a second over time (REST best practices); a burst of a few is within its limits. */
function createSpacing(writesAtOnce: number): Spacing {
  const writes = new Bottleneck.Group({
    id: "codex-orchestrator-writes",
    maxConcurrent: 1,
    reservoir: writesAtOnce,
    reservoirIncreaseAmount: 1,
    reservoirIncreaseInterval: 1000,
    reservoirIncreaseMaximum: writesAtOnce,
    // Longer than the longest pause, which is an hour.
    timeout: 90 * 60_000,
  });
  const mints = new Bottleneck.Group({ id: "codex-orchestrator-mints", maxConcurrent: 8, timeout: 10 * 60_000 });
  const pausedUntil = new Map<string, number>();
  const waitOut = async (key: string): Promise<void> => {
    const isOver = (): boolean => (pausedUntil.get(key) ?? 0) <= performance.now();
    while (!isOver()) await sleep((pausedUntil.get(key) ?? 0) - performance.now(), undefined, { ref: false });
    pausedUntil.delete(key);
    // Whoever was told to slow down gets no burst: two are what the first comment or pull request takes.
    const limiter = writes.key(key);
    await limiter.incrementReservoir(Math.min(0, 2 - ((await limiter.currentReservoir()) ?? 2)));
  };
  return {
    writes,
    mints,
    pause: (key, pauseMs) => {
      const isPaused = pausedUntil.has(key);
      pausedUntil.set(key, Math.max(pausedUntil.get(key) ?? 0, performance.now() + pauseMs));
      if (isPaused) return;
      // The writes of a key pass one at a time, so a job that only waits holds all the others up.
      writes
        .key(key)
        .schedule({ priority: 0 }, () => waitOut(key))
        .catch(() => pausedUntil.delete(key));
    },
  };
}

type HookedOctokit = Pick<Octokit, "hook">;

/** Every request gives up in the end, also when GitHub takes the connection and never answers. */
function limitAnswerTime(octokit: HookedOctokit): void {
  const given = new WeakSet<AbortSignal>();
  octokit.hook.before("request", (options) => {
    const { signal } = options.request;
    if (signal instanceof AbortSignal && !given.has(signal)) return;
    // A request that is tried again comes along here once more, with a signal that may be over.
    const fresh = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    given.add(fresh);
    options.request.signal = fresh;
  });
}

/** Tells of an answer that asks to wait, before anything waits: others must not go on writing meanwhile. */
function noteLimits(octokit: HookedOctokit, { onLimit }: { onLimit: (pauseS: number) => void }): void {
  octokit.hook.error("request", (error) => {
    const pauseS = toAskedPauseS(error);
    if (pauseS !== null) onLimit(pauseS);
    throw error;
  });
}
