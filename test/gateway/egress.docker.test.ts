import { chmod, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { toCodexArgv } from "../../src/codex/argv.ts";
import { startContainer } from "../../src/container/start-container.ts";
import { startScriptedModel } from "../../src/demo/scripted-model.ts";
import { openEgressGateway } from "../../src/gateway/egress-gateway.ts";
import { openGateway } from "../../src/gateway/gateway.ts";
import type { EgressEvent, EgressOptions } from "../../src/gateway/tunnels.ts";
import { toProxyVariables } from "../../src/run/egress.ts";
import { toShellAssignments } from "../../src/run/env-vars.ts";
import {
  createTestEngine,
  type Folders,
  listLeftContainers,
  makeFolders,
  readAll,
  runScript,
  toTestSpec,
  toWishes,
} from "../container/container-fixture.ts";
import { toSocketPath } from "./start-codex.ts";
import { startTlsStandIn, type TlsStandIn } from "./tls-stand-in.ts";

const engine = createTestEngine();
afterAll(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

const HOST = "packages.example.org";
const OTHER = "other.example.org";
const CA = "/workspace/ca.pem";

const toFetch = (host: string): string =>
  `NODE_EXTRA_CA_CERTS=${CA} node -e 'fetch("https://${host}/x").then(async (r) => console.log("node:", await r.text())).catch((e) => console.log("node failed"))'`;
const toClient = (host: string): string =>
  `printf 'GET /y HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error -CAfile ${CA} -servername ${host} -proxy 127.0.0.1:8377 -connect ${host}:443 2>&1`;
const toGit = (host: string): string => `GIT_SSL_CAINFO=${CA} git ls-remote https://${host}/repo 2>&1`;

type Told = { outputs: string; requests: string[]; events: EgressEvent[]; modelStatuses: number[] };

function toEgress(hosts: string[], { standIn, events }: { standIn: TlsStandIn; events: EgressEvent[] }): EgressOptions {
  return {
    hosts,
    onTunnel: (event) => events.push(event),
    // The stand-in for all of the internet is on loopback, which only a test lets through.
    resolve: async () => ["127.0.0.1"],
    isAllowedAddress: (address) => address === "127.0.0.1",
    port: standIn.port,
  };
}

/** Has the real Codex run one command line as its model says, and gives what the command printed. */
async function runCommand(command: string, { hosts }: { hosts: string[] }): Promise<Told> {
  await using standIn = await startTlsStandIn([HOST, OTHER]);
  await using folders = await makeFolders();
  await layInput(folders, standIn);
  const outputs: string[] = [];
  await using model = await startScriptedModel((asked) => {
    outputs.splice(0, Infinity, ...asked.outputs);
    return [{ items: [{ kind: "shell", command }] }, { items: [{ kind: "say", text: "Done." }] }];
  });
  const events: EgressEvent[] = [];
  await using _gateway = await openGateway({
    socketPath: toSocketPath(folders),
    upstreamUrl: model.baseUrl,
    authorization: async () => ({}),
    egress: toEgress(hosts, { standIn, events }),
  });
  const call = { model: "gpt-5.5", effort: null, dir: null, resumeThreadId: null };
  const spec = {
    ...toTestSpec(folders, { script: "", memoryBytes: 2 ** 30, pids: 256 }),
    entrypoint: ["/opt/codex-runner/run-entry"],
    command: toCodexArgv({ ...call, commandVariables: toProxyVariables(hosts) }),
  };
  await using container = await startContainer(engine, { spec });
  const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
  expect(await container.supervise(toWishes())).toEqual({ reason: "exited", exitCode: 0, outOfMemory: false });
  await output;
  const { requests } = standIn;
  return { outputs: outputs.join("\n"), requests, events, modelStatuses: model.requests.map(({ status }) => status) };
}

async function layInput({ paths }: Folders, standIn: TlsStandIn): Promise<void> {
  const prompt = join(paths.inputPath, "prompt.txt");
  await writeFile(prompt, "Fetch it.");
  await chmod(prompt, 0o644);
  const variables = join(paths.inputPath, "env");
  await writeFile(variables, toShellAssignments({ NPM_TOKEN: "npm-canary" }));
  await chmod(variables, 0o644);
  await writeFile(join(paths.inputPath, "go"), "");
  await copyFile(standIn.certificatePath, join(paths.treePath, "ca.pem"));
  await chmod(join(paths.treePath, "ca.pem"), 0o644);
}

describe("the commands of the real Codex, in a container without a network", () => {
  test("reach an allowed host by https with node, openssl and git, and no other", async () => {
    const asked = [HOST, OTHER].flatMap((host) => [toFetch(host), toClient(host), toGit(host)]);
    const told = await runCommand(["echo token=$NPM_TOKEN", ...asked].join("; "), { hosts: [HOST] });
    expect(told.outputs).toContain("token=npm-canary");
    expect(told.outputs).toContain(`node: hello from ${HOST}`);
    expect(told.outputs).toContain("node failed");
    expect(told.outputs).not.toContain(`hello from ${OTHER}`);
    expect(told.outputs).toMatch(/CONNECT tunnel failed, response 403/);
    expect(told.requests.slice(0, 3)).toEqual([
      `${HOST} /x`,
      `${HOST} /y`,
      `${HOST} /repo/info/refs?service=git-upload-pack`,
    ]);
    expect(new Set(told.events.map(({ host, refused }) => `${host} ${refused === null}`))).toEqual(
      new Set([`${HOST} true`, `${OTHER} false`]),
    );
    // Codex itself asked its model directly, and nobody else.
    expect(told.modelStatuses).toEqual([200, 200]);
  });

  test("find no way out and no proxy where no host is allowed", async () => {
    const told = await runCommand(`env | grep -i proxy; ${toFetch(HOST)}; ${toClient(HOST)}; ${toGit(HOST)}`, {
      hosts: [],
    });
    expect(told.outputs).not.toMatch(/_proxy=|hello from/i);
    expect(told.outputs).toMatch(/node failed/);
    expect(told.outputs).toMatch(/Could not resolve host/);
    expect([told.requests, told.events]).toEqual([[], []]);
  });
});

test("a container without a model reaches an allowed host, and the model's path is refused", async () => {
  await using standIn = await startTlsStandIn([HOST]);
  await using folders = await makeFolders();
  await layInput(folders, standIn);
  const egress = toEgress([HOST], { standIn, events: [] });
  await using _gateway = await openEgressGateway({ socketPath: toSocketPath(folders), egress });
  const forward = "socat TCP-LISTEN:8377,bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:/run/model/model.sock &";
  const variables = Object.entries(toProxyVariables([HOST])).map(([name, value]) => `export ${name}='${value}'`);
  const ask = `node -e 'fetch("http://127.0.0.1:8377/v1/responses", { method: "POST" }).then((r) => console.log("model:", r.status))'`;
  const script = [forward, "sleep 1", ...variables, toFetch(HOST), ask].join("\n");
  const { stdout } = await runScript(engine, { folders, script });
  expect(stdout).toBe(`node: hello from ${HOST}\nmodel: 403\n`);
});
