import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import nock from "nock";
import { pino } from "pino";
import { ProbotOctokit } from "probot";
import { z } from "zod";
import { createWebhookHandler } from "../../../src/trigger/github/webhooks.ts";
import { createPrivateKey, silentLog, startApp, type AppHost } from "./app-host.ts";
import { SECRET, send, toHeaders, toPort, type Answer } from "./gate-server.ts";

/** A payload as GitHub writes it; only what these tests change is named. */
const Payload = z.looseObject({ action: z.string().optional() });
export type Payload = z.infer<typeof Payload>;

/** One of GitHub's own examples. */
export type Example = { event: string; index: number; payload: Payload };

/** Every example of every event that GitHub publishes. */
export function listExamples(): Example[] {
  const read = createRequire(import.meta.url);
  const events = z
    .array(z.object({ name: z.string(), examples: z.array(Payload) }))
    .parse(read("@octokit/webhooks-examples"));
  return events.flatMap(({ name, examples }) => examples.map((payload, index) => ({ event: name, index, payload })));
}

/** Codertocat, who wrote and sent nearly everything in GitHub's examples. */
export const PERSON = { login: "Codertocat", id: 21_031_067, type: "User" };

/** The example where the App is installed. */
export function install(payload: Payload): Payload {
  return { ...payload, installation: { id: 7, node_id: "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNw==" } };
}

/** The part of a payload that a person wrote. */
function findText(payload: Payload): string {
  const name = ["comment", "review", "issue", "pull_request"].find((key) => key in payload);
  if (name === undefined) throw new Error("nobody wrote anything");
  return name;
}

/** The example with these fields of its text instead. */
function rewrite(payload: Payload, fields: object): Payload {
  const name = findText(payload);
  return { ...payload, [name]: { ...Object(payload[name]), ...fields } };
}

export type CommandOptions = { body?: string; author?: typeof PERSON; sender?: typeof PERSON };

/** The example with another text, `/codex do it` by default, by somebody, sent by somebody; a label comes an hour after its issue. */
export function toCommand(
  payload: Payload,
  { body = "/codex do it", author = PERSON, sender }: CommandOptions = {},
): Payload {
  const later = payload.action === "labeled" ? { updated_at: "2019-05-15T16:20:18Z" } : {};
  return { ...rewrite(install(payload), { body, user: author, ...later }), sender: sender ?? author };
}

/** One request of ours to GitHub. */
export type Call = { method: string; path: string };

export type RealServer = AsyncDisposable & {
  host: AppHost;
  /** What was asked of GitHub, in all repositories. */
  calls: Call[];
  /** Everything that was logged above `info`. */
  complaints: string[];
  /** What GitHub says everybody may do, and the settings of every repository. */
  answers: { permission: "write" | "read"; settings: string | null };
  /** Sends one signed delivery and waits until all work on it is over. */
  deliver(event: string, payload: object): Promise<Answer>;
};

/** Made once, since that takes longer than a delivery. */
const credentials = { appId: 1, privateKey: createPrivateKey() };

/** The whole way of a delivery, with a GitHub that knows every repository and everybody in it. */
export async function startRealServer({ personId }: { personId: number }): Promise<RealServer> {
  const calls: Call[] = [];
  const complaints: string[] = [];
  const answers: RealServer["answers"] = { permission: "write", settings: null };
  const log = pino({ level: "warn" }, { write: (line) => void complaints.push(line) });
  const octokit = new (ProbotOctokit.defaults((options: object) => ({
    ...options,
    retry: { enabled: false },
    throttle: { enabled: false },
  })))({ log: silentLog });
  const host = await startApp({ log, octokitFor: async () => octokit });
  const scope = nock("https://api.github.com").persist();
  for (const method of ["GET", "POST", "PATCH", "PUT", "DELETE"] as const) {
    scope.intercept(/./, method).reply((request: Request) => {
      const { pathname: path } = new URL(request.url);
      calls.push({ method, path });
      const [status, body] = answer({ method, path }, { ...answers, personId });
      return [status, body, { "content-type": typeof body === "string" ? "text/plain" : "application/json" }];
    });
  }
  const handle = await createWebhookHandler(host.app, { secret: SECRET, credentials, log });
  const server = createServer((incoming, response) => void handle(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...{ host, calls, complaints, answers },
    deliver: async (event, payload) => {
      const body = JSON.stringify(payload);
      const answered = await send(toPort(server), { headers: toHeaders(body, event), body });
      await host.app.onIdle();
      return answered;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      host[Symbol.dispose]();
    },
  };
}

const SIDE = { sha: "1".repeat(40), repo: { id: 1, default_branch: "master" } };
const PULL = { number: 2, state: "open", head: { ...SIDE, ref: "changes" }, base: { ...SIDE, ref: "master" } };

type Answers = RealServer["answers"] & { personId: number };

function answer({ method, path }: Call, { permission, settings, personId }: Answers): [number, object | string] {
  if (path === "/graphql") return [200, { data: {} }];
  if (path.endsWith("/permission")) {
    return [200, { permission, role_name: permission, user: { id: personId, login: "x" } }];
  }
  if (path.includes("/contents/")) return settings === null ? [404, {}] : [200, settings];
  if (method !== "GET") return [201, { id: 1 }];
  if (/\/pulls\/\d+$/.test(path)) return [200, PULL];
  if (path.endsWith("/check-runs")) return [200, { total_count: 0, check_runs: [] }];
  const isList = /\/(?:comments|reviews|files|commits|reactions|events|timeline)$/.test(path);
  return isList ? [200, []] : [404, {}];
}
