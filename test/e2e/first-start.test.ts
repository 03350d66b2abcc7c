import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { startSmee } from "../helpers/smee.ts";
import { readForm, sendForm, walkToCallback } from "../app-setup/setup-world.ts";
import { until } from "./world.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "codex-orchestrator.mjs");
let folder = "";
let github: GitHubStandIn;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "first-start-"));
  github = await startGitHubStandIn();
});
afterEach(async () => {
  await github[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Started = AsyncDisposable & { text(): string; exited: Promise<unknown>; kill(signal: NodeJS.Signals): void };

function start(args: string[], environment: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: {
      ...{ PATH: process.env["PATH"] ?? "", HOME: folder, GHE_HOST: github.host, GHE_PROTOCOL: "http" },
      ...{ OPENAI_API_KEY: "sk-first-start", PORT: "0", ...environment },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += String(chunk)));
  const exited = once(child, "exit").then(([code]) => code);
  return {
    text: () => text,
    exited,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

const findPage = ({ text }: Started): Promise<string> =>
  until("the page's address is printed", () => /http:\/\/127\.0\.0\.1:\d+\/\S{20,}/.exec(text())?.[0]);

test("the first start without an App shows the set-up page, and the server goes on with the App that was made", async () => {
  await using server = start(["serve"]);
  const page = await findPage(server);
  const asked = readForm(await (await fetch(page)).text(), { base: page });
  const { url } = await sendForm({ ...asked, fields: { url: "https://codex.example.com" } });
  expect((await fetch(await walkToCallback(url))).status).toBe(200);

  const origin = await until("the server listens", () => /"url":"(http:[^"]+)"/.exec(server.text())?.[1]);
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  const { status } = await github.deliverComment({
    url: `${origin}/api/github/webhooks`,
    user: "octocat",
    body: "/codex help",
  });
  expect(status).toBe(200);
  expect(statSync(join(folder, ".env")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, ".env"), "utf8")).toContain(`APP_ID=${github.app.id}\n`);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  expect(server.text()).not.toContain(github.app.webhookSecret);
});

test("a server that others reach shows no such page, and neither does one that lacks more than the App", async () => {
  await using open = start(["serve"], { HOST: "0.0.0.0" });
  expect(await open.exited).toBe(2);
  expect(open.text()).toMatch(/APP_ID is not set: run `codex-orchestrator setup`/);
  await using poor = start(["serve"], { OPENAI_API_KEY: "" });
  expect(await poor.exited).toBe(2);
  expect(poor.text()).toMatch(/APP_ID is not set.*\n {2}OPENAI_API_KEY is not set/);
  await using half = start(["serve"], { WEBHOOK_SECRET: "0123456789abcdef" });
  expect(await half.exited).toBe(2);
});

test("a server without a public URL hears of comments through its channel", async () => {
  await using smee = await startSmee();
  await using server = start(["serve"], {
    ...{ APP_ID: String(github.app.id), PRIVATE_KEY: github.app.privateKey, WEBHOOK_SECRET: github.app.webhookSecret },
    WEBHOOK_PROXY_URL: smee.channelUrl,
  });
  await until("it listens", () => smee.connections() > 0 || undefined);
  await github.deliverComment({ url: smee.channelUrl, user: "octocat", body: "/codex help" });
  const path = `/repos/${github.repository}/issues/${github.issueNumber}/comments`;
  const answer = await until("the command is answered", async () => {
    const { body } = await github.call({ as: "octocat", method: "GET", path });
    return JSON.stringify(body).includes("codex-orchestrator[bot]") || undefined;
  });
  expect(answer).toBe(true);
  server.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

test("Ctrl-C ends setup with one sentence and exit code 5", async () => {
  await using setup = start(["setup", "--no-browser"]);
  await findPage(setup);
  setup.kill("SIGINT");
  expect(await setup.exited).toBe(5);
  expect(setup.text()).toMatch(/\nStopped; no App was set up\.\n$/);
});

test("setup opens the page in the browser of a machine that has one, and nowhere else", async () => {
  const opener = join(folder, "xdg-open");
  writeFileSync(opener, `#!/bin/sh\necho "$1" > ${folder}/new && mv ${folder}/new ${folder}/opened\n`, { mode: 0o755 });
  const PATH = `${folder}:${process.env["PATH"] ?? ""}`;
  await using remote = start(["setup"], { PATH, DISPLAY: ":0", SSH_CONNECTION: "192.0.2.1 5 192.0.2.2 22" });
  await findPage(remote);
  await using setup = start(["setup"], { PATH, DISPLAY: ":0" });
  const page = await findPage(setup);
  const opened = await until("the browser is opened", () =>
    existsSync(join(folder, "opened")) ? readFileSync(join(folder, "opened"), "utf8") : undefined,
  );
  expect(opened.trim()).toBe(page);
});

test.each([
  [["--org", "no/org"], "--org must be the login of an organisation"],
  [["--port", "99999"], "--port must be a whole number"],
  [["--url", "example"], "--url cannot be taken"],
  [["--nonsense"], "unknown option"],
])("setup %j is bad usage", async (args, message) => {
  await using setup = start(["setup", ...args]);
  expect(await setup.exited).toBe(2);
  expect(setup.text()).toContain(message);
});
