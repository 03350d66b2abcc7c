import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { ScanMessage, type ScanOrder, type SecretPlace } from "./secret-place.ts";

/** How long a patch may take, in milliseconds, and how long the thread may take to begin. */
const LIMIT_MS = 60_000;
const START_MS = 30_000;

/** Memory for the thread, in MiB: some times the largest file that a patch can change. */
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 };

/** What a scan came to; `gave-up`: it took longer than a minute, or more memory than it may. */
export type ScanEnd = { kind: "found"; places: SecretPlace[] } | { kind: "gave-up" };

export type PatchScanner = Disposable & {
  /** Has a thread ready, with its rules loaded, for the next patch: that takes longer than most patches do. */
  prepare(): void;
  /** Looks through a patch in a thread of its own, which is ended with it. Rejects when no thread can be had. */
  scan(patchPath: string, options?: { limitMs?: number }): Promise<ScanEnd>;
};

/** Makes the scanner of a process; at most one thread of it waits, and it keeps nothing from ending. */
export function createPatchScanner(): PatchScanner {
  let waiting: Worker | null = null;
  const drop = (): void => void (waiting = null);

  const prepare = (): void => {
    if (waiting !== null) return;
    waiting = startThread();
    waiting.unref();
    // One that cannot start is found out when it is needed.
    waiting.once("error", drop).once("exit", drop);
  };
  const take = (): Worker => {
    const worker = waiting ?? startThread();
    worker.off("error", drop).off("exit", drop).ref();
    drop();
    return worker;
  };
  return {
    prepare,
    scan: (patchPath, { limitMs = LIMIT_MS } = {}) => scanIn(take(), { patchPath, limitMs }),
    [Symbol.dispose]: () => void waiting?.terminate(),
  };
}

function startThread(): Worker {
  return new Worker(new URL(`./scan-worker${extname(import.meta.filename)}`, import.meta.url), {
    ...{ resourceLimits: LIMITS, name: "secret-scan", env: {}, execArgv: [], stdout: true, stderr: true },
  });
}

async function scanIn(worker: Worker, { patchPath, limitMs }: ScanOrder & { limitMs: number }): Promise<ScanEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<ScanEnd>();
  let isReady = false;
  const giveUp = (): void => (isReady ? resolve({ kind: "gave-up" }) : reject(new Error("The thread did not start.")));
  let timer = setTimeout(giveUp, START_MS);
  worker.on("message", (value) => {
    const message = ScanMessage.parse(value);
    if (message.kind === "found") return resolve(message);
    isReady = true;
    clearTimeout(timer);
    timer = setTimeout(giveUp, limitMs);
  });
  // Too much memory is the patch's fault; the rest is ours.
  worker.on("error", (error) => (isReady ? giveUp() : reject(error)));
  worker.on("exit", giveUp);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage({ patchPath } satisfies ScanOrder);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
