import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "../run/failure.ts";
import type { AgentExit } from "../run/outcome.ts";
import { toOneLine } from "./docker-errors.ts";
import type { ContainerEngine, ContainerOutput, ContainerState } from "./engine.ts";
import { type DiskGuard, waitForFullDisk } from "./watch-disk.ts";

/** How the container ended. When several things happen at once, the first one wins. */
export type ContainerExit = AgentExit;

export type SuperviseOptions = {
  /** Longest the container may still run, in milliseconds, counted from this call. */
  timeoutMs: number;
  /** Longest silence, in milliseconds. */
  stallMs: number;
  /** When something was last heard of Codex or the model: milliseconds of `performance.now()`. */
  lastActivityAt: () => number;
  /** Aborting it stops the container; the exit is then `cancelled`. */
  signal: AbortSignal;
  /** What the container may write to disk; null is only for containers that cannot write at all. */
  disk: DiskGuard | null;
  /** Time between SIGTERM and SIGKILL. Default 5 s. */
  graceMs?: number | undefined;
};

type Watched = SuperviseOptions & { id: string; output: ContainerOutput };

/** Why we end a container that would go on by itself. */
type StopCause = Extract<ContainerExit, { reason: "timeout" | "stalled" | "cancelled" | "disk-full" }>;

/** How a container stands once it has ended; null when the engine was lost before it could tell. */
type Ending = ContainerState | null;

const GRACE_MS = 5_000;
const KILLED_WITHIN_MS = 2_000;
const CLOSED_WITHIN_MS = 10_000;

/**
 * Waits for the end of a container and brings it about when a limit is reached: SIGTERM, 5 s, SIGKILL.
 *
 * Resolves for every way a container can end. Rejects only with `image-unusable`, when the image's own entry could not
 * be started. The container is not running any more afterwards, unless the engine is lost. All times are taken from the
 * monotonic clock, so changes of the system's clock do not matter.
 */
export async function superviseContainer(engine: ContainerEngine, options: Watched): Promise<ContainerExit> {
  const watching = new AbortController();
  try {
    const ended = waitForEnd(engine, { id: options.id, watching: watching.signal });
    const cause = await Promise.race([ended.then(() => null), ...watchLimits(options, { watching: watching.signal })]);
    if (cause === null) return await toExit(await ended, options);

    await stopContainer(engine, { ...options, cause, ended });
    return cause;
  } finally {
    watching.abort();
  }
}

type WatchOptions = { watching: AbortSignal };

/**
 * The wait is one connection for the whole life of the container. When it breaks, the engine stopped or restarted, and
 * whatever exit code it shows later (143, 255) is its own doing, not the agent's.
 */
async function waitForEnd(engine: ContainerEngine, { id, watching }: WatchOptions & { id: string }): Promise<Ending> {
  try {
    await engine.waitContainer(id, { signal: watching });
    return (await engine.inspectContainer(id))?.state ?? null;
  } catch {
    return null;
  }
}

function watchLimits(options: SuperviseOptions, { watching }: WatchOptions): Promise<StopCause>[] {
  const { signal, disk, timeoutMs } = options;
  const limits = [
    waitForAbort(signal, { watching }).then(() => ({ reason: "cancelled" }) as const),
    waitForTime(timeoutMs, { watching }).then(() => ({ reason: "timeout" }) as const),
    waitForSilence(options, { watching }),
  ];
  if (disk === null) return limits;
  return [...limits, waitForFullDisk(disk, { watching }).then(() => ({ reason: "disk-full" }) as const)];
}

async function waitForAbort(signal: AbortSignal, { watching }: WatchOptions): Promise<void> {
  if (!signal.aborted) await once(signal, "abort", { signal: watching });
}

/** Timers of Node hold 24 days at most. */
async function waitForTime(delayMs: number, { watching }: WatchOptions): Promise<void> {
  const endsAt = performance.now() + delayMs;
  for (let leftMs = delayMs; leftMs > 0; leftMs = endsAt - performance.now()) {
    await sleep(Math.min(leftMs, 2 ** 30), undefined, { signal: watching });
  }
}

async function waitForSilence(options: SuperviseOptions, { watching }: WatchOptions): Promise<StopCause> {
  const startedAt = performance.now();
  for (;;) {
    const silentMs = performance.now() - Math.max(startedAt, options.lastActivityAt());
    if (silentMs >= options.stallMs) return { reason: "stalled", silentMs: Math.round(silentMs) };
    await waitForTime(options.stallMs - silentMs, { watching });
  }
}

type StopOptions = Watched & { cause: StopCause; ended: Promise<Ending> };

/**
 * A disk that fills up gives no time for good manners; everything else gets its grace. Nothing waits for the answers to
 * the signals: only the end counts, and a container whose output nobody reads gets no answer before that is closed.
 */
async function stopContainer(engine: ContainerEngine, options: StopOptions): Promise<void> {
  const { id, cause, ended, output, graceMs = GRACE_MS } = options;
  const send = (signal: "SIGTERM" | "SIGKILL") => void engine.signalContainer(id, { signal }).catch(() => undefined);
  if (cause.reason !== "disk-full") {
    send("SIGTERM");
    if (await endsWithin(ended, { limitMs: graceMs })) return;
  }
  send("SIGKILL");
  if (await endsWithin(ended, { limitMs: KILLED_WITHIN_MS })) return;
  output.close();
  await endsWithin(ended, { limitMs: CLOSED_WITHIN_MS });
}

async function endsWithin(ended: Promise<Ending>, { limitMs }: { limitMs: number }): Promise<boolean> {
  const waiting = new AbortController();
  try {
    const late = waitForTime(limitMs, { watching: waiting.signal }).then(() => false);
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    waiting.abort();
  }
}

/** What a shell, or the engine's init, exits with when it could not start a program. Codex itself never does. */
const NOT_STARTED_CODES = [126, 127];

async function toExit(ending: Ending, { output }: Watched): Promise<ContainerExit> {
  if (ending === null) return { reason: "lost" };
  if (NOT_STARTED_CODES.includes(ending.exitCode)) {
    const words = toOneLine(await output.readFirstWords()) || `exit code ${ending.exitCode}`;
    throw new RunError("image-unusable", `The image's own programs could not be started: ${words}.`);
  }
  return { reason: "exited", exitCode: ending.exitCode, outOfMemory: ending.outOfMemory };
}
