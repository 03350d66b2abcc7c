import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { DEMO_SCRIPT } from "../../src/demo/demo-script.ts";
import { startGitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { startScriptedModel } from "../../src/demo/scripted-model.ts";
import { RunResult } from "../../src/run/result.ts";
import { buildOrchestratorImage } from "./orchestrator-image.ts";

const docker = new Docker();
const image = `codex-orchestrator:test-${process.pid}`;
const base = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
const socket = "/var/run/docker.sock";
const home = "/var/lib/codex-orchestrator";
const uid = process.getuid?.() === 0 ? 1000 : (process.getuid?.() ?? 1000);
const gid = process.getuid?.() === 0 ? 1000 : (process.getgid?.() ?? 1000);

beforeAll(() => buildOrchestratorImage(docker, { image, base, uid }), 240_000);
afterAll(() => docker.getImage(image).remove({ force: true }), 60_000);

/** A folder of this machine that the orchestrator's container sees under another name. */
function makeState(): string {
  const folder = mkdtempSync(join(tmpdir(), "state-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chownSync(folder, uid, gid);
  return folder;
}

async function makeVolume(): Promise<string> {
  const name = `codex-orchestrator-test-${process.pid}`;
  await docker.createVolume({ Name: name });
  onTestFinished(() => docker.getVolume(name).remove());
  return name;
}

type StartOptions = { command: string[]; environment: Record<string, string>; state: string };

async function startOrchestrator({ command, environment, state }: StartOptions): Promise<Docker.Container> {
  const container = await docker.createContainer({
    Image: image,
    Cmd: command,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      Binds: [`${state}:${home}`, `${socket}:${socket}`],
      GroupAdd: [String(statSync(socket).gid)],
      NetworkMode: "host",
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "" },
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Init: true,
    },
  });
  onTestFinished(() => container.remove({ force: true, v: true }));
  await container.start();
  return container;
}

async function readOutput(container: Docker.Container): Promise<{ out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const stream = await container.logs({ stdout: true, stderr: true, follow: true });
  container.modem.demuxStream(stream, out, err);
  stream.on("end", () => (out.end(), err.end()));
  return { out: await text(out), err: await text(err) };
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function runInside(container: Docker.Container, command: string[]): Promise<number | null> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  stream.resume();
  await once(stream, "end");
  // The output ends a moment before the engine knows how the command ended.
  while ((await exec.inspect()).Running) await sleep(20);
  return (await exec.inspect()).ExitCode;
}

/** Rejects with what the container printed when the check has not passed within two minutes. */
async function waitUntilHealthy(container: Docker.Container, check: string[]): Promise<void> {
  const untilMs = performance.now() + 120_000;
  while ((await runInside(container, check)) !== 0) {
    if (performance.now() > untilMs) {
      const printed = await container.logs({ stdout: true, stderr: true, tail: 50 });
      throw new Error(`not healthy after two minutes; it printed:\n${printed}`);
    }
    await sleep(200);
  }
}

test("the server in its image is healthy, is nobody special, and ends within five seconds", async () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const container = await startOrchestrator({
    command: ["serve"],
    state: makeState(),
    environment: {
      ...{ APP_ID: "1", PRIVATE_KEY: privateKey, WEBHOOK_SECRET: randomBytes(16).toString("hex") },
      ...{
        OPENAI_API_KEY: "sk-nobody",
        HOST: "127.0.0.1",
        PORT: String(await findFreePort()),
        GHE_HOST: "127.0.0.1:9",
        GHE_PROTOCOL: "http",
      },
    },
  });
  const { Config } = await docker.getImage(image).inspect();
  expect(Config.User).toBe(`${uid}:${uid}`);
  const check = (Config.Healthcheck?.Test ?? []).slice(1);
  expect(check).not.toEqual([]);
  await waitUntilHealthy(container, check);

  const from = performance.now();
  await container.stop({ t: 20 });
  expect(performance.now() - from).toBeLessThan(5_000);
  expect((await container.inspect()).State.ExitCode).toBe(0);
}, 180_000);

test.each(["folder of the machine", "volume of the engine"])(
  "a run that a container starts is a container beside it, with its state in a %s",
  async (kind) => {
    await using github = await startGitHubStandIn();
    await using model = await startScriptedModel(DEMO_SCRIPT, { apiKey: "sk-scripted" });
    const state = kind.startsWith("folder") ? makeState() : await makeVolume();
    const container = await startOrchestrator({
      command: ["run", "--repo", github.repository, "--json", "Add an email validator"],
      state,
      environment: {
        ...{ OPENAI_API_KEY: "sk-scripted", OPENAI_BASE_URL: model.baseUrl, CODEX_MODEL: "gpt-5.5", RUN_MEMORY: "1g" },
        ...{ APP_ID: String(github.app.id), PRIVATE_KEY: github.app.privateKey },
        ...{ GHE_HOST: github.host, GHE_PROTOCOL: "http", CODEX_IMAGE: base },
      },
    });
    const [{ out, err }, { StatusCode }] = await Promise.all([readOutput(container), container.wait()]);
    expect(StatusCode === 0 ? "" : err).toBe("");
    const result = RunResult.parse(JSON.parse(out));
    expect(result).toMatchObject({ status: "done", pull_request: { number: expect.any(Number) } });
    expect(result.output.files_changed).toContain("src/validators/email.ts");
  },
);

test("doctor inside its image proves the container's profile and the gateway on the engine's own paths", async () => {
  const container = await startOrchestrator({
    command: ["doctor", "--json"],
    state: await makeVolume(),
    environment: { OPENAI_API_KEY: "sk-nobody", OPENAI_BASE_URL: "http://127.0.0.1:9/v1", CODEX_IMAGE: base },
  });
  const { out } = await readOutput(container);
  const { checks } = Report.parse(JSON.parse(out));
  const wanted = checks.filter(({ name }) => name === "container-profile" || name === "gateway");
  expect(wanted).toMatchObject([{ ok: true }, { ok: true }]);
});

const Report = z.object({ checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })) });
