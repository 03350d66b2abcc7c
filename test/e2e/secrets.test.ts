import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { RunResult } from "../../src/run/result.ts";
import { connectOverHttp, connectOverStdio, textOf, type McpClient } from "../helpers/mcp-clients.ts";
import { readSinks, scanSinks, type Sinks } from "../helpers/scan-sinks.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const MCP_AUTH_TOKEN = randomBytes(32).toString("base64url");
const DASHBOARD_TOKEN = randomBytes(32).toString("base64url");
/** Values of one run's variables: random, with signs that each encoding writes in its own way, and of several lines. */
const variables = {
  PLANTED_TOKEN: randomBytes(32).toString("base64url"),
  PLANTED_PASSWORD: `pa ss/&"${randomBytes(32).toString("hex")}"+ä`,
  PLANTED_KEY: `${randomBytes(32).toString("hex")}\n${randomBytes(32).toString("hex")}\n`,
};

let world: World;
let script: () => ModelScript = () => [];
let outputs = "";
let log = "";
let stopListening = (): void => {};

beforeAll(async () => {
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = (line: string | Uint8Array): boolean => ((log += String(line)), true);
  stopListening = () => void (process.stderr.write = write);
  world = await openWorld({
    script: (request) => {
      outputs = request.outputs.join("\n");
      return script();
    },
    environment: { MCP_AUTH_TOKEN, DASHBOARD_TOKEN, LOG_LEVEL: "trace" },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  stopListening();
});

/** All secrets of the server that there are by now. */
function listSecrets(): Record<string, string> {
  const { github, apiKey } = world;
  const lines = github.app.privateKey.split("\n").filter((line) => line.length > 40 && !line.startsWith("--"));
  return {
    ...{ apiKey, webhookSecret: github.app.webhookSecret, MCP_AUTH_TOKEN, DASHBOARD_TOKEN },
    ...{ privateKey: github.app.privateKey, "line of the private key": lines[7] ?? "" },
    ...Object.fromEntries(github.listInstallationTokens().map((token, index) => [`token ${index}`, token])),
  };
}

/** A text in each form that programs make of it. */
function toForms(secret: string): string {
  const base64 = Buffer.from(`key=${secret}`).toString("base64");
  const forms = [secret, base64, base64.replace(/.{30}/g, "$&\n"), encodeURIComponent(secret), JSON.stringify(secret)];
  return [...forms, JSON.stringify(JSON.stringify(secret)), Buffer.from(secret).toString("hex")].join("\n");
}

/** What people see of a run besides its files: pages, the live log, metrics, the terminal, the tools of MCP. */
async function look(runId: string, { mcp }: { mcp: McpClient }): Promise<Sinks> {
  const get = async (path: string, accept = "text/html"): Promise<string> => {
    const headers = { accept, authorization: `Bearer ${DASHBOARD_TOKEN}` };
    const response = await fetch(`${world.server.url}${path}`, { headers });
    expect([path, response.status]).toEqual([path, 200]);
    return response.text();
  };
  const tools = ["log", "events", "result"].map(
    (artifact) => ["codex_run_artifacts", { run_id: runId, artifact }] as const,
  );
  const calls = [["codex_run_status", { run_id: runId }], ["codex_run_list", {}], ...tools] as const;
  const said = await Promise.all(calls.map(async ([name, args]) => JSON.stringify(await mcp.call(name, args))));
  return {
    page: await get(`/runs/${runId}`),
    "list of runs": await get("/runs"),
    "live log": await get(`/runs/${runId}/log`, "text/event-stream"),
    metrics: await get("/metrics"),
    readiness: await get("/readyz"),
    "tools of MCP": said.join("\n"),
  };
}

test(
  "EN-014: a run finds no secret wherever it looks, and none comes to the engine, the image, the files, the thread or the log",
  { timeout: 180_000 },
  async () => {
    const looking =
      "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; git config -l --show-origin; git remote -v; find / -xdev -type f -size -64k -not -path '/proc/*' -not -path '/usr/*' -not -path '/sys/*' -exec cat {} + 2>/dev/null | head -c 3000000; echo changed > looked.txt; sleep 1";
    script = () => [
      { items: [{ kind: "shell", command: looking, yieldTimeMs: 25_000 }] },
      { items: [{ kind: "say", text: `Looked around.\n${DONE}` }] },
    ];
    const docker = (...args: string[]): string =>
      execFileSync("docker", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
    const watching = until("the container", () => {
      const label = `label=codex-orchestrator.instance=${world.server.product.paths.instance}`;
      const ids = docker("ps", "-q", "--filter", label).trim().split("\n").filter(Boolean);
      return ids.length === 0 ? undefined : [docker("inspect", ...ids), docker("logs", ids[0] ?? "")];
    });
    await world.comment("/codex Look around");
    const [inspected = "", logs = ""] = await watching;
    await world.nextResult();

    const image = world.server.product.config.image;
    const secrets = listSecrets();
    expect(Object.keys(secrets).length).toBeGreaterThan(7);
    expect([outputs.length > 1000, inspected.includes("codex-runner"), log.length > 0]).toEqual([true, true, true]);
    const found = scanSinks(
      {
        ...(await readSinks(world)),
        ...{ "the run's own eyes": outputs, "docker inspect": inspected, "docker logs": logs, log },
        image: docker("image", "inspect", image) + docker("history", "--no-trunc", image),
        "requests to the model": JSON.stringify(world.model.requests.map(({ body }) => body)),
      },
      secrets,
    );
    expect(found).toEqual([]);
  },
);

test(
  "AT-SECRETS: a model that knows every secret and says it in every form gets none of it anywhere",
  { timeout: 180_000 },
  async () => {
    script = () => {
      const words = Object.entries(listSecrets()).map(([name, secret]) => `${name}: ${toForms(secret)}`);
      const heard = `cat > /tmp/heard <<'EOF'\n${words.join("\n")}\nEOF\ncat /tmp/heard; cat /tmp/heard >&2; echo x > said.txt`;
      return [
        {
          items: [
            { kind: "think", text: words.join("\n") },
            { kind: "shell", command: heard, yieldTimeMs: 25_000 },
          ],
        },
        { items: [{ kind: "say", text: `${world.apiKey} is all I know.\n\n${words.join("\n\n")}\n${DONE}` }] },
      ];
    };
    const commentId = await world.comment("/codex Say what you know");
    const result = await world.nextResult();
    expect(await world.reported(commentId)).toBe("rocket");
    expect([result.status, result.output.summary?.includes("*** is all I know")]).toEqual(["done", true]);
    expect((await world.botComments()).join("")).toContain("***");

    await using mcp = await connectOverHttp(world.server.url, { token: MCP_AUTH_TOKEN });
    const seen = await look(result.run_id, { mcp });
    expect(seen["live log"]).toContain("*** is all I know");
    expect(scanSinks({ ...(await readSinks(world)), ...seen, log }, listSecrets())).toEqual([]);
  },
);

test(
  "AT-SECRETS: values of a run's variables come to no sink in any form, whatever its commands print",
  { timeout: 180_000 },
  async () => {
    const program = `for (const name of ["PLANTED_TOKEN", "PLANTED_PASSWORD", "PLANTED_KEY"]) {
    const value = process.env[name]; const bytes = Buffer.from("key=" + value);
    for (const form of [value, encodeURIComponent(value), JSON.stringify(value), JSON.stringify(JSON.stringify(value)), bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex")])
      console.log(form);
  }`;
    const printing = `echo ${Buffer.from(program).toString("base64")} | base64 -d > /tmp/print.js; node /tmp/print.js; env | base64; echo "$PLANTED_KEY"; echo x > printed.txt`;
    script = () => [
      { items: [{ kind: "shell", command: printing, yieldTimeMs: 25_000 }] },
      { items: [{ kind: "say", text: `${variables.PLANTED_TOKEN} ${toForms(variables.PLANTED_PASSWORD)}\n${DONE}` }] },
    ];
    await using stdio = await connectOverStdio({ environment: world.environment, folder: dirname(world.runsPath) });
    const answer = await stdio.call("codex_run", {
      ...{ repo: world.github.repository, env_vars: variables },
      prompt: `Use ${variables.PLANTED_TOKEN} or ${variables.PLANTED_PASSWORD}.`,
    });
    const result = RunResult.parse(answer.structuredContent);
    expect([result.status, result.pull_request?.number]).toEqual(["done", expect.any(Number)]);
    expect(await world.nextResult()).toEqual(result);
    expect(outputs).toContain(variables.PLANTED_TOKEN);
    const sinks = { ...(await readSinks(world)), ...(await look(result.run_id, { mcp: stdio })), log };
    expect(
      scanSinks({ ...sinks, answer: textOf(answer) + JSON.stringify(answer) }, { ...listSecrets(), ...variables }),
    ).toEqual([]);
  },
);

test("AT-SECRETS: a change that holds a secret is kept, and given to nobody", { timeout: 180_000 }, async () => {
  const { webhookSecret } = world.github.app;
  script = () => [
    { items: [{ kind: "shell", command: `echo ${webhookSecret} > leak.txt; echo x > ${webhookSecret}.txt` }] },
    { items: [{ kind: "say", text: `Wrote it.\n${DONE}` }] },
  ];
  const pushed = (await readSinks(world))["objects of git"];
  await world.comment("/codex Write it down");
  const result = await world.nextResult();
  expect(result.error).toMatchObject({ reason: "secret-found", message: expect.stringContaining("leak.txt:1") });
  await using mcp = await connectOverHttp(world.server.url, { token: MCP_AUTH_TOKEN });
  const diff = await mcp.call("codex_run_artifacts", { run_id: result.run_id, artifact: "diff" });
  expect([diff.isError, textOf(diff)]).toEqual([true, expect.stringContaining("not given out")]);
  await expect(mcp.client.readResource({ uri: `run://${result.run_id}/diff` })).rejects.toThrow("not given out");
  const { [`${result.run_id}/changes.patch`]: patch, ...sinks } = await readSinks(world);
  expect(String(patch)).toContain(webhookSecret);
  expect(sinks["objects of git"]).toBe(pushed);
  const seen = await look(result.run_id, { mcp });
  // Who operates the server may see it, on the page of the run and nowhere else.
  const shown = scanSinks({ ...sinks, ...seen, log }, listSecrets()).filter(
    (sink) => !/^page: |\bmirrors\/|\.work\//.test(sink),
  );
  expect(shown).toEqual([]);
});
