import type { IncomingMessage, ServerResponse } from "node:http";
import { Probot, ProbotOctokit } from "probot";
import { z } from "zod";
import type { Logger } from "../../logger.ts";
import type { GitHubApp } from "./app.ts";
import { createWebhookGate, type WebhookGateOptions } from "./gate.ts";

export type WebhookHandlerOptions = Omit<WebhookGateOptions, "handle" | "onSigned"> & {
  /** What Probot asks for; the application itself has clients of its own. */
  credentials: { appId: number; privateKey: string };
  log: Logger;
};

/** Answers one request at the webhook's address. Never rejects for what a sender can do. */
export type WebhookHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Our own gate, and behind it a Probot with the application: what the gate has checked and read is given to Probot as it
 * is, so that no delivery is checked or read twice.
 */
export async function createWebhookHandler(
  app: GitHubApp,
  { credentials, ...gate }: WebhookHandlerOptions,
): Promise<WebhookHandler> {
  const probot = new Probot({
    ...credentials,
    secret: gate.secret,
    Octokit: PlainOctokit,
    log: toProbotLog(gate.log),
  });
  await probot.load(app);
  return createWebhookGate({
    ...gate,
    onSigned: () => app.noteArrival(),
    handle: ({ id, event: name, payload }) => probot.receive(ProbotEvent.parse({ id, name, payload })),
  });
}

/** Probot makes two more of it for every delivery; what it has to say is rare, and the same with one for all. */
function toProbotLog(log: Logger): Logger {
  const own = log.child({ library: "probot" }, { level: "warn" });
  return Object.assign(own, { child: () => own });
}

/** Probot types its events by their names, which are data here; the gate has checked them. */
const ProbotEvent = z.custom<Parameters<Probot["receive"]>[0]>();

/**
 * Probot makes a client for every delivery. Ours would never be used, so all deliveries share one that cannot do
 * anything: building them took a third of the time of an answer.
 */
const PlainOctokit = ProbotOctokit.defaults((options: object) => ({
  ...options,
  authStrategy: ({ octokit }: { octokit: unknown }) =>
    Object.assign(async () => octokit, { hook: (request: (options: unknown) => unknown, it: unknown) => request(it) }),
}));
