import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { Message, type Finding, type Job } from "./job.ts";

/** How long compiling and checking may take, in milliseconds, and how long the thread may take to begin. */
const LIMIT_MS = 2_000;
const START_MS = 30_000;

/** Memory for the thread, in MiB. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };

/** What a job came to; `gave-up`: it took longer than 2 seconds, or more memory than it may. */
export type JobEnd = Finding | { kind: "gave-up" };

/** Does a job in a thread of its own, which is ended with it, however it goes. Rejects when no thread can be had. */
export async function askWorker(job: Job): Promise<JobEnd> {
  const worker = new Worker(new URL(`./answer-worker${extname(import.meta.filename)}`, import.meta.url), {
    ...{ workerData: job, resourceLimits: LIMITS, name: "answer-check" },
    ...{ env: {}, execArgv: [], stdout: true, stderr: true },
  });
  const { promise, resolve, reject } = Promise.withResolvers<JobEnd>();
  let isReady = false;
  const giveUp = (): void => (isReady ? resolve({ kind: "gave-up" }) : reject(new Error("The thread did not start.")));
  let timer = setTimeout(giveUp, START_MS);
  worker.on("message", (value) => {
    const message = Message.parse(value);
    if (message.kind !== "ready") return resolve(message);
    isReady = true;
    clearTimeout(timer);
    timer = setTimeout(giveUp, LIMIT_MS);
  });
  // Too much memory or a stack that is too deep is the job's fault; the rest is ours.
  worker.on("error", (error) => (isReady ? giveUp() : reject(error)));
  worker.on("exit", giveUp);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
