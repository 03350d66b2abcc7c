import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { DetachedError } from "../run/detached.ts";
import { RunError } from "../run/failure.ts";
import type { AgentExit } from "../run/outcome.ts";
import type { ContainerOutput } from "./container-output.ts";
import { toOneLine } from "./docker-errors.ts";
import type { ContainerEngine, ContainerState } from "./engine.ts";
import { type DiskGuard, waitForFullDisk } from "./watch-disk.ts";

/** How the container ended. When several things happen at once, the first one wins. */
export type ContainerExit = AgentExit;

export type SuperviseOptions = {
  /** Longest the container may still run, in milliseconds, counted from this call; may be past already. */
  timeoutMs: number;
  /** Longest silence, in milliseconds. */
  stallMs: number;
  /** When something was last heard of Codex or the model: milliseconds of `performance.now()`. */
  lastActivityAt: () => number;
  /** Aborting it stops the container; the exit is then `cancelled`. */
  signal: AbortSignal;
  /** Aborting it makes the supervision reject with `DetachedError` at once, and leaves the container as it is. */
  detach?: AbortSignal | null | undefined;
  /** What the container may write to disk; null is only for containers that cannot write at all. */
  disk: DiskGuard | null;
  /** Time between SIGTERM and SIGKILL. Default 5 s. */
  graceMs?: number | undefined;
  /** How long the engine may be away while the container lives on. Default 20 s. */
  awayMs?: number | undefined;
};

type Watched = SuperviseOptions & {
  id: string;
  output: ContainerOutput;
  /** How it ended, when it had ended before; then it only remains to say so. */
  found: ContainerState | null;
};

/** Why we end a container that would go on by itself. */
type StopCause = Extract<ContainerExit, { reason: "timeout" | "stalled" | "cancelled" | "disk-full" }>;

/** How a container stands once it has ended; null when the engine was lost before it could tell. */
type Ending = ContainerState | null;

const GRACE_MS = 5_000;
const KILLED_WITHIN_MS = 2_000;
const CLOSED_WITHIN_MS = 10_000;
const AWAY_MS = 20_000;
const LOOK_EVERY_MS = 250;

/**
 * Waits for the end of a container and brings it about when a limit is reached: SIGTERM, 5 s, SIGKILL.
 *
 * Resolves for every way a container can end. Rejects with `image-unusable`, when the image's own entry could not be
 * started, and with `DetachedError`. The container is not running any more afterwards, unless it was detached or the
 * engine is lost. All times are taken from the monotonic clock, so changes of the system's clock do not matter.
 */
export async function superviseContainer(engine: ContainerEngine, options: Watched): Promise<ContainerExit> {
  const supervision = new AbortController();
  const watching = supervision.signal;
  try {
    throwIfDetached(options);
    if (options.found !== null) return await toExit(options.found, options);
    return await Promise.race([bringToEnd(engine, { ...options, watching }), waitForDetach(options, { watching })]);
  } finally {
    supervision.abort();
    options.output.finish();
  }
}

type WatchOptions = { watching: AbortSignal };

async function bringToEnd(engine: ContainerEngine, options: Watched & WatchOptions): Promise<ContainerExit> {
  const ended = waitForEnd(engine, options);
  const cause = await Promise.race([ended.then(() => null), ...watchLimits(options)]);
  if (cause !== null) {
    await stopContainer(engine, { ...options, cause, ended });
    return cause;
  }
  return toExit(await ended, options);
}

/**
 * The wait is one connection for the whole life of the container. When it breaks, the engine stopped or restarted, and
 * whatever exit code the container shows later (143, 255) is its engine's doing, not the agent's. An engine that leaves
 * its containers running while it restarts gives this one back.
 */
async function waitForEnd(engine: ContainerEngine, options: Watched & WatchOptions): Promise<Ending> {
  const { id, watching } = options;
  for (;;) {
    try {
      await engine.waitContainer(id, { signal: watching });
      return (await engine.inspectContainer(id))?.state ?? null;
    } catch {
      if (watching.aborted || !(await findAgain(engine, options))) return null;
    }
  }
}

/**
 * Whether the container runs on under an engine that was away; its output then goes on where it was cut. Not so when the
 * engine has dropped a part of the output: there is no telling what of it is missing.
 */
async function findAgain(engine: ContainerEngine, options: Watched & WatchOptions): Promise<boolean> {
  const { id, output, watching, awayMs = AWAY_MS } = options;
  const endsAt = performance.now() + awayMs;
  while (!watching.aborted) {
    try {
      if ((await engine.inspectContainer(id))?.state.status !== "running") return false;
      const replay = await engine.followOutput(id);
      if (replay.keptFrom === "start" && !watching.aborted) {
        output.continueWith(replay);
        return true;
      }
      replay.close();
      return false;
    } catch {
      if (performance.now() >= endsAt) return false;
      await sleep(LOOK_EVERY_MS);
    }
  }
  return false;
}

function watchLimits(options: Watched & WatchOptions): Promise<StopCause>[] {
  const { signal, disk, timeoutMs, watching } = options;
  const limits = [
    waitForAbort(signal, { watching }).then(() => ({ reason: "cancelled" }) as const),
    waitForTime(timeoutMs, { watching }).then(() => ({ reason: "timeout" }) as const),
    waitForSilence(options, { watching }),
  ];
  if (disk === null) return limits;
  return [...limits, waitForFullDisk(disk, { watching }).then(() => ({ reason: "disk-full" }) as const)];
}

/** Never resolves. */
async function waitForDetach(options: SuperviseOptions, { watching }: WatchOptions): Promise<never> {
  if (options.detach) await waitForAbort(options.detach, { watching });
  throwIfDetached(options);
  return new Promise<never>(() => undefined);
}

function throwIfDetached({ detach }: SuperviseOptions): void {
  if (detach?.aborted) throw detach.reason instanceof DetachedError ? detach.reason : new DetachedError();
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

type StopOptions = Watched & WatchOptions & { cause: StopCause; ended: Promise<Ending> };

/**
 * A disk that fills up gives no time for good manners; everything else gets its grace. Nothing waits for the answers to
 * the signals: only the end counts, and a container whose output nobody reads gets no answer before that is closed.
 */
async function stopContainer(engine: ContainerEngine, options: StopOptions): Promise<void> {
  const { id, cause, ended, output, watching, graceMs = GRACE_MS } = options;
  const send = (signal: "SIGTERM" | "SIGKILL"): void => {
    // Who detaches while it is being stopped leaves the rest to the next one.
    if (!watching.aborted) engine.signalContainer(id, { signal }).catch(() => undefined);
  };
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

/**
 * What our own first programs exit with when the kernel ended what they ran for want of memory. The engine does not always
 * hear of that: with Docker 20.10, 10 of 120 containers that used theirs up in their first moment (containerd issue 8893).
 */
const OUT_OF_MEMORY_CODE = 79;
const KILLED_CODE = 137;

async function toExit(ending: Ending, { output }: Watched): Promise<ContainerExit> {
  output.finish();
  if (ending === null) return { reason: "lost" };
  if (NOT_STARTED_CODES.includes(ending.exitCode)) {
    const words = toOneLine(await output.readFirstWords()) || `exit code ${ending.exitCode}`;
    throw new RunError("image-unusable", `The image's own programs could not be started: ${words}.`, {
      hint: "An image needs /bin/sh and must be for this machine's processor; the runner image is made anew by `codex-orchestrator image build`.",
    });
  }
  if (ending.exitCode === OUT_OF_MEMORY_CODE) return { reason: "exited", exitCode: KILLED_CODE, outOfMemory: true };
  return { reason: "exited", exitCode: ending.exitCode, outOfMemory: ending.outOfMemory };
}
