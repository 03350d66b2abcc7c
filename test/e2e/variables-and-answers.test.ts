import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { compose, type Composition } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/demo/scripted-model.ts";
import type { NewRun } from "../../src/orchestrator.ts";
import type { RunId } from "../../src/run/id.ts";
import type { RunResult } from "../../src/run/result.ts";
import { DONE, until } from "./world.ts";

/** What a value can hold that a shell, a log or a patch could stumble over. */
const awkward = `it's "$x" \`y\` \\ tök ăłя 😀 $(touch /tmp/x)\n  second line; with more of it\n`;
const token = "mk-7Qp2Xv9Lr4Tz8Wb1Nd6";

let folder = "";
let repository = "";
let script: ModelScript = [];
let model: ScriptedModel;
let product: Composition;

beforeAll(async () => {
  model = await startScriptedModel(() => script);
});
afterAll(() => model[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "variables-"));
  repository = join(folder, "project");
  mkdirSync(repository);
  writeFileSync(join(repository, "hello.txt"), "hello\n");
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "First");
  product = await open();
  await product.orchestrator.start();
});
afterEach(async () => {
  await product[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function git(...args: string[]): string {
  return execFileSync("git", ["-C", repository, ...args], { stdio: ["ignore", "pipe", "ignore"] }).toString();
}

function open(): Promise<Composition> {
  const environment = {
    ...{ OPENAI_API_KEY: "sk-of-this-server", OPENAI_BASE_URL: model.baseUrl, CODEX_MODEL: "gpt-5.5" },
    ...{ RUNS_PATH: join(folder, "runs"), RUN_MEMORY: "1g", LOG_LEVEL: "warn" },
  };
  return compose({ config: readConfig({ environment, folder }), role: "serve", createReporter: () => null });
}

async function accept(changes: Partial<NewRun>): Promise<RunId> {
  const accepted = await product.orchestrator.accept({
    ...{ trigger: { kind: "mcp", actor: null, url: null }, repository: { kind: "local", path: repository } },
    ...{ prompt: "Do it.", context: null, mode: "full-auto", base: null, branch: null, model: "gpt-5.5", effort: null },
    ...{ timeout: 120, dir: null, draft: false, allow_protected: false, thread: null, ...changes },
  });
  if (accepted.kind !== "accepted") throw new Error("the queue is full");
  return accepted.runId;
}

async function run(changes: Partial<NewRun>): Promise<RunResult> {
  return product.orchestrator.settled(await accept(changes));
}

/** Every file that the run left but Codex's own, and its whole record, as one text. */
function readTraces(runId: RunId): string {
  const runs = join(folder, "runs", runId);
  const files = readdirSync(runs, { withFileTypes: true }).filter((entry) => entry.isFile());
  const database = new DatabaseSync(join(folder, "runs", ".state", "orchestrator.db"), { readOnly: true });
  const record = JSON.stringify(database.prepare("SELECT * FROM runs").all());
  database.close();
  return [record, ...files.map(({ name }) => `${name}:\n${readFileSync(join(runs, name), "utf8")}`)].join("\n");
}

const dumpVariables = `for name in MY_API_TOKEN PLAIN NODE_ENV; do printenv -0 "$name" > "/tmp/$name"; done; sha256sum /tmp/MY_API_TOKEN /tmp/PLAIN /tmp/NODE_ENV`;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("variables", () => {
  test("reach a command with every character, and stand in nothing that is shown of the run", async () => {
    script = [
      { items: [{ kind: "shell", command: dumpVariables }] },
      {
        items: [
          {
            kind: "shell",
            command: `printenv PLAIN MY_API_TOKEN NODE_ENV; echo x > "x-$MY_API_TOKEN.txt"; rm x-*; echo ok > ok.txt`,
          },
        ],
      },
      { items: [{ kind: "say", text: `I used ${token} in production: ${awkward}\n${DONE}` }] },
    ];
    const variables = { MY_API_TOKEN: token, PLAIN: awkward, NODE_ENV: "production" };
    const result = await run({ env_vars: variables, prompt: `Use ${token}.` });

    expect([result.status, result.output.files_changed]).toEqual(["done", ["ok.txt"]]);
    const log = result.output.full_log ?? "";
    for (const value of Object.values(variables)) expect(log).toContain(sha256(`${value}\0`));
    expect(result.output.summary).toContain("I used *** in ***:");
    const traces = readTraces(result.run_id);
    for (const part of [token, "second line", "production", "tök"]) expect(traces).not.toContain(part);
    expect(JSON.parse(readFileSync(join(folder, "runs", result.run_id, "request.json"), "utf8"))).toMatchObject({
      ...{ prompt: "Use ***.", env_vars: { MY_API_TOKEN: "***", PLAIN: "***", NODE_ENV: "***" } },
    });
    expect(await product.store.request(result.run_id)).toMatchObject({ env_vars: { NODE_ENV: "***" } });

    const other = await run({ prompt: "Say production." });
    expect(other.output.summary).toContain(`I used ${token} in production`);
  });

  test("are not in what the engine shows of the container, and are there again after the server was started anew", async () => {
    script = [
      { items: [{ kind: "shell", command: "sleep 5; printenv MY_API_TOKEN | sha256sum; env > /dev/null" }] },
      { items: [{ kind: "say", text: `It is ${token}.\n${DONE}` }] },
    ];
    const runId = await accept({ env_vars: { MY_API_TOKEN: token, NODE_ENV: "production" } });
    const id = await until("the container", async () => {
      const [found] = await product.engine.listRunContainers({ instanceId: product.paths.instance, runId });
      return (await product.store.find(runId))?.progress?.activity.lastCommand == null ? undefined : found?.id;
    });
    const shown = execFileSync("docker", ["inspect", id]).toString();
    expect(shown).toContain(runId);
    expect(shown).not.toMatch(new RegExp(`${token}|production|MY_API_TOKEN`));
    expect(readTraces(runId)).not.toContain(token);

    await product[Symbol.asyncDispose]();
    product = await open();
    await product.orchestrator.start();
    const result = await product.orchestrator.settled(runId);
    expect([result.status, result.output.summary]).toEqual(["done", "It is ***."]);
    expect(result.output.full_log).toContain(sha256(`${token}\n`));
    const traces = await until("the run's close", () => {
      const text = readTraces(runId);
      return text.includes('"sealed_request":null') ? text : undefined;
    });
    expect(traces).not.toContain(token);
  });

  test("end the run when their key is gone, before anything is paid for", async () => {
    await product[Symbol.asyncDispose]();
    product = await open();
    const asked = model.requests.length;
    const runId = await accept({ env_vars: { MY_API_TOKEN: token } });
    rmSync(product.paths.sealKey);
    await product.orchestrator.start();
    expect(await product.orchestrator.settled(runId)).toMatchObject({
      status: "error",
      error: { reason: "interrupted", message: expect.stringContaining("sealed with another key") },
    });
    expect(model.requests).toHaveLength(asked);
  });

  test.each([
    ["full-auto", `echo "key=$MY_API_TOKEN" > .env`],
    ["full-auto", `printf '%s' "$PEM" > key.pem`],
    ["suggest", `touch "$MY_API_TOKEN.txt"; echo x > "$MY_API_TOKEN.txt"`],
  ] as const)("hold a change back in mode %s that holds a secret one: %s", async (mode, command) => {
    script = [{ items: [{ kind: "shell", command }] }, { items: [{ kind: "say", text: DONE }] }];
    const pem =
      "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----\n";
    const result = await run({ env_vars: { MY_API_TOKEN: token, PEM: pem }, mode, branch: "mine" });
    expect([result.status, result.error?.reason, result.branch]).toEqual(["error", "secret-found", null]);
    expect(JSON.stringify(result)).not.toContain(token);
    expect(git("branch", "--list").trim()).toBe("* main");
  });

  test("do not hold back a change that holds an ordinary one", async () => {
    script = [
      { items: [{ kind: "shell", command: `echo "env: $NODE_ENV" > "$NODE_ENV.yml"` }] },
      { items: [{ kind: "say", text: DONE }] },
    ];
    const result = await run({ env_vars: { NODE_ENV: "production" }, branch: "mine" });
    expect([result.status, result.branch, result.output.files_changed]).toEqual(["done", "mine", ["***.yml"]]);
    expect(git("show", "mine:production.yml")).toBe("env: production\n");
  });
});

const schema = {
  type: "object",
  properties: {
    verdict: { type: "string", enum: ["good", "bad"] },
    files: { type: "array", items: { type: "string" } },
  },
  required: ["verdict", "files"],
  additionalProperties: false,
};

const Asked = z.looseObject({
  text: z.looseObject({ format: z.looseObject({ type: z.string(), schema: z.unknown() }) }),
});

function say(text: string): void {
  script = [{ items: [{ kind: "shell", command: "echo more >> hello.txt" }] }, { items: [{ kind: "say", text }] }];
}

describe("an answer by a schema", () => {
  test("is asked of the model, and given as data", async () => {
    const text = `{"verdict": "good", "files": ["hello.txt"]}`;
    say(text);
    const result = await run({ output_schema: schema });
    expect([result.status, result.output.data, result.output.summary]).toEqual([
      "done",
      { verdict: "good", files: ["hello.txt"] },
      text,
    ]);
    const { body } = model.requests.at(-1) ?? {};
    expect(Asked.parse(body).text.format).toMatchObject({ type: "json_schema", schema });
    expect(JSON.stringify(body)).not.toContain("MCP_STATUS");
    expect(JSON.parse(readFileSync(join(folder, "runs", result.run_id, "result.json"), "utf8"))).toEqual(result);
  });

  test("is checked as it was said, then masked; a marker after it is no part of it", async () => {
    say(`{"verdict": "good", "files": ["${token}"]}\n${DONE}`);
    const given = { ...schema, properties: { ...schema.properties, files: { items: { const: token } } } };
    const result = await run({ output_schema: given, env_vars: { MY_API_TOKEN: token } });
    expect([result.status, result.output.data]).toEqual(["done", { verdict: "good", files: ["***"] }]);
    expect(result.output.summary).toBe(`{"verdict": "good", "files": ["***"]}`);
  });

  test.each([
    ["Fine, I think.", "The answer is not JSON."],
    [
      `{"verdict": "so so", "files": []}`,
      "The answer does not fit the schema: /verdict must be equal to one of the allowed values.",
    ],
  ])("that does not fit ends the run as an error, and keeps the change: %s", async (text, message) => {
    say(text);
    const result = await run({ output_schema: schema, branch: "mine" });
    expect(result).toMatchObject({
      ...{ status: "error", branch: null, marker: "::MCP_STATUS::ERROR" },
      error: { reason: "answer-invalid", message },
      output: { files_changed: ["hello.txt"], summary: text },
    });
    expect(result.output).not.toHaveProperty("data");
    expect(readFileSync(join(folder, "runs", result.run_id, "changes.patch"), "utf8")).toContain("+more");
  });
});
