import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "../src/demo/github/json.ts";
import { startGitHubStandIn, type GitHubStandIn } from "../src/demo/github/stand-in.ts";
import { toCommentPayload } from "../src/demo/github/webhook.ts";
import type { ModelRequest, ModelScript } from "../src/demo/model-script.ts";
import { startScriptedModel, type ScriptedModel, type ScriptSource } from "../src/demo/scripted-model.ts";
import { RunResult } from "../src/run/result.ts";
import { startServerProcess, type ServerProcess } from "./server-process.ts";
import { waitUntil } from "./wait-until.ts";

export const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";

/** A model whose tools Codex gets one by one, and that it knows without asking. */
export const MODEL = "gpt-5.5";

/** The stand-ins, and the product's server in a process of its own. */
export type BenchWorld = AsyncDisposable & {
  folder: string;
  apiKey: string;
  github: GitHubStandIn;
  model: ScriptedModel;
  server: ServerProcess;
  /** When the model was asked, since the last `clear()`; milliseconds of `performance.now()`. */
  modelCalls: { times: number[]; clear(): void };
  /** The event of a new comment, ready to be sent: what GitHub does before it calls us is not measured. */
  prepareComment(body: string): Promise<PreparedComment>;
  /** Waits for the result document of a run that is not in `known`. */
  nextResult(known: ReadonlySet<string>): Promise<RunResult>;
  listRuns(): string[];
};

export type PreparedComment = {
  /** Signs and sends the event; resolves once the server has answered. */
  deliver(): Promise<void>;
  /** Resolves once the run is over and reported. */
  reported(): Promise<void>;
};

export type OpenWorldOptions = { script: ScriptSource; environment?: Record<string, string> };

/** Opens a world whose model follows the script without any delay. */
export async function openBenchWorld({ script, environment = {} }: OpenWorldOptions): Promise<BenchWorld> {
  await using disposables = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  disposables.defer(() => rmSync(folder, { recursive: true, force: true }));
  const runsPath = join(folder, "runs");
  await mkdir(runsPath, { mode: 0o750 });
  const apiKey = `sk-bench-${randomBytes(16).toString("hex")}`;
  const github = disposables.use(await startGitHubStandIn());
  const times: number[] = [];
  const answer = (request: ModelRequest): ModelScript => {
    times.push(performance.now());
    return typeof script === "function" ? script(request) : script;
  };
  const model = disposables.use(await startScriptedModel(answer, { apiKey }));
  const variables = { ...toEnvironment({ github, model, apiKey, runsPath }), ...environment };
  const server = disposables.use(await startServerProcess({ environment: variables, folder }));
  const owned = disposables.move();
  return {
    ...{ folder, apiKey, github, model, server },
    modelCalls: { times, clear: () => void times.splice(0) },
    prepareComment: (body) => prepareComment(github, { body, url: `${server.url}/api/github/webhooks` }),
    nextResult: (known) => waitForResult(runsPath, { known }),
    listRuns: () => listRuns(runsPath),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type EnvironmentOptions = { github: GitHubStandIn; model: ScriptedModel; apiKey: string; runsPath: string };

function toEnvironment({ github, model, apiKey, runsPath }: EnvironmentOptions): Record<string, string> {
  const dockerHost = process.env["DOCKER_HOST"];
  return {
    OPENAI_API_KEY: apiKey,
    OPENAI_BASE_URL: model.baseUrl,
    CODEX_MODEL: MODEL,
    CODEX_IMAGE: image,
    RUNS_PATH: runsPath,
    PORT: "0",
    LOG_LEVEL: "info",
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    GHE_HOST: github.host,
    GHE_PROTOCOL: "http",
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
  };
}

export type PrepareOptions = { body: string; url: string; login?: string; on?: number };

/** Writes a comment, by default on the open issue, and prepares the event about it. */
export async function prepareComment(
  github: GitHubStandIn,
  { body, url, login = "octocat", on = github.issueNumber }: PrepareOptions,
): Promise<PreparedComment> {
  const read = async (path: string, call: { method?: string; body?: JsonObject } = {}): Promise<JsonObject> => {
    const answer = await github.call({ as: login, method: "GET", path, ...call });
    if (answer.status < 300 && isJsonObject(answer.body)) return answer.body;
    throw new Error(`${path}: ${answer.status}`);
  };
  const home = `/repos/${github.repository}`;
  const thread = `${home}/issues/${on}`;
  const comment = await read(`${thread}/comments`, { method: "POST", body: { body } });
  const [issue, repository] = await Promise.all([read(thread), read(home)]);
  const payload = toCommentPayload({ action: "created", comment, issue, repository }, github.origin);
  const reactions = `${home}/issues/comments/${String(comment["id"])}/reactions`;
  return {
    deliver: async () => {
      const { status } = await github.deliver({ url, event: "issue_comment", payload });
      if (status >= 300) throw new Error(`the server answered the delivery with ${status}`);
    },
    reported: async () => {
      const isOver = (): true | null =>
        github.listReactions(reactions).some(({ content }) => content === "rocket" || content === "confused") || null;
      await waitUntil(isOver, { what: "the report of the run", withinMs: 300_000, everyMs: 20 });
    },
  };
}

async function waitForResult(runsPath: string, { known }: { known: ReadonlySet<string> }): Promise<RunResult> {
  const readNew = (): RunResult | null => {
    const id = listRuns(runsPath).find((run) => !known.has(run));
    return id === undefined ? null : readResult(join(runsPath, id, "result.json"));
  };
  return waitUntil(readNew, { what: "a result", withinMs: 300_000, everyMs: 20 });
}

function readResult(path: string): RunResult | null {
  try {
    return RunResult.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

function listRuns(runsPath: string): string[] {
  return readdirSync(runsPath).filter((name) => /^[0-9a-f-]{36}$/.test(name));
}
