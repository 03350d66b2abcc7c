import { generateKeyPairSync } from "node:crypto";
import { pino } from "pino";
import { Probot } from "probot";
import type { NewRun } from "../../../src/orchestrator.ts";
import { createRunId, type RunId } from "../../../src/run/id.ts";
import { createGitHubApp, type GitHubApp } from "../../../src/trigger/github/app.ts";
import type { GitHubAppDeps, StoredDelivery } from "../../../src/trigger/github/deps.ts";
import { createPayload, type PayloadOptions } from "./comment-payload.ts";
import { BOT, openGitHubApi, type GitHubApi } from "./github-api.ts";
import { SECRET } from "./gate-server.ts";

export const silentLog = pino({ level: "silent" });

/** Deliveries kept in memory, by the rules of the real ones. */
export type MemoryDeliveries = GitHubAppDeps["deliveries"] & {
  stored: StoredDelivery[];
  handled: string[];
  /** What was recorded and not handled, by whomever. */
  open(): StoredDelivery[];
  /** Records a delivery as a process would that died afterwards. */
  leave(delivery: StoredDelivery): void;
};

export function createDeliveries(): MemoryDeliveries {
  const stored: StoredDelivery[] = [];
  const handled: string[] = [];
  const left: string[] = [];
  return {
    stored,
    handled,
    record: async (delivery) => {
      if (stored.some((it) => it.deliveryId === delivery.deliveryId || it.commentKey === delivery.commentKey)) {
        return "duplicate";
      }
      stored.push(delivery);
      return "new";
    },
    markHandled: (deliveryId) => void handled.push(deliveryId),
    open: () => stored.filter(({ deliveryId }) => !handled.includes(deliveryId)),
    takeUnhandled: async () => {
      const taken = stored.filter(({ deliveryId }) => left.includes(deliveryId) && !handled.includes(deliveryId));
      left.length = 0;
      return taken;
    },
    leave: (delivery) => {
      if (!stored.some(({ deliveryId }) => deliveryId === delivery.deliveryId)) stored.push(delivery);
      left.push(delivery.deliveryId);
    },
  };
}

export type AppHost = Disposable & {
  api: GitHubApi;
  app: GitHubApp;
  probot: Probot;
  deliveries: MemoryDeliveries;
  runs: { run: NewRun; runId: RunId; deliveryId: string }[];
  /** Delivers one comment as Probot would, and waits until all work on it is over. */
  comment(options: PayloadOptions, delivery?: { id?: string }): Promise<void>;
  /** The same for any event. */
  deliver(name: string, payload: object, delivery?: { id?: string }): Promise<void>;
};

let privateKey: string | null = null;

/** A key for a Probot that never uses it. */
export function createPrivateKey(): string {
  const { privateKey: key } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return key;
}

let deliveryCount = 0;
const RUNS_PER_HOUR = 10;

/** The application in a Probot of its own, with GitHub's API stood in for. */
export async function startApp(overrides: Partial<GitHubAppDeps> = {}): Promise<AppHost> {
  const api = openGitHubApi();
  const deliveries = createDeliveries();
  const runs: AppHost["runs"] = [];
  const app = createGitHubApp({
    deliveries,
    submit: async (run, { deliveryId }) => {
      const known = runs.find((it) => it.deliveryId === deliveryId);
      if (known !== undefined) return { kind: "accepted", runId: known.runId };
      const count = runs.filter((it) => it.run.thread?.actor_id === run.thread?.actor_id).length;
      if (count >= RUNS_PER_HOUR)
        return { kind: "too-many", limit: RUNS_PER_HOUR, freesAt: new Date("2026-11-30T14:04:01Z") };
      const runId = createRunId();
      runs.push({ run, runId, deliveryId });
      return { kind: "accepted", runId };
    },
    isServed: () => true,
    isImageAllowed: (image) => image.startsWith("ours/"),
    listThread: async () => [],
    findByBranch: async () => null,
    findRequest: async () => null,
    cancel: async () => null,
    publish: async () => {
      throw new Error("there is nothing to publish");
    },
    releaseChecks: async () => null,
    limits: { defaultTimeoutS: 300, maxTimeoutS: 3600 },
    octokitFor: async () => api.octokit,
    botLogin: async () => BOT,
    log: silentLog,
    ...overrides,
  });
  privateKey ??= createPrivateKey();
  const probot = new Probot({ appId: 1, privateKey, secret: SECRET, log: silentLog });
  await probot.load(app);
  const deliver: AppHost["deliver"] = async (name, payload, { id = `d-${++deliveryCount}` } = {}) => {
    await probot.receive({ id, name: name as never, payload: payload as never });
    await app.onIdle();
  };
  return {
    api,
    app,
    probot,
    deliveries,
    runs,
    deliver,
    comment: (options, delivery) => deliver("issue_comment", createPayload(options), delivery),
    [Symbol.dispose]: () => api[Symbol.dispose](),
  };
}
