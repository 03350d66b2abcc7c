import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { UsageError } from "../../src/trigger/cli/product.ts";
import { startSmee } from "../helpers/smee.ts";
import { openSetupWorld, readForm, sendForm, walkToCallback, type SetupWorld } from "./setup-world.ts";

const PUBLIC = { url: "https://codex.example.com" };
let world: SetupWorld;
beforeEach(async () => {
  world = await openSetupWorld();
});
afterEach(async () => {
  const violations = await world.github.listViolations();
  await world[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const readEnv = (): string => readFileSync(join(world.folder, ".env"), "utf8");

describe("setup", () => {
  test("makes the App in the browser, writes a .env that serve can use, and shows no secret", async () => {
    const setup = await world.start({ flags: PUBLIC });
    const callback = await walkToCallback(setup.page);
    const made = await fetch(callback);
    const html = await made.text();
    expect(made.status).toBe(200);
    expect(await setup.exitCode).toBe(0);

    expect(world.github.listManifests()).toEqual([
      expect.objectContaining({
        name: "codex-orchestrator",
        public: false,
        url: "https://codex.example.com",
        hook_attributes: { url: "https://codex.example.com/api/github/webhooks", active: true },
        redirect_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/),
        default_permissions: expect.objectContaining({ contents: "write", metadata: "read" }),
        default_events: expect.arrayContaining(["issue_comment", "pull_request_review"]),
      }),
    ]);
    expect(statSync(join(world.folder, ".env")).mode & 0o777).toBe(0o600);
    expect(readdirSync(world.folder)).toEqual([".env"]);
    const { github, http } = readConfig({ environment: {}, folder: world.folder });
    expect(github.app).toMatchObject({ appId: world.github.app.id, webhookSecret: world.github.app.webhookSecret });
    expect(github.app?.privateKey.trim()).toBe(world.github.app.privateKey.trim());
    expect(github.apiUrl).toBe(`${world.github.origin}/api/v3`);
    expect(http.publicUrl).toBe("https://codex.example.com");

    const shown = `${setup.out()}${setup.err()}${html}`;
    expect(shown).toContain(`${world.github.origin}/apps/codex-orchestrator/installations/new`);
    expect(setup.out()).toMatch(/GitHub knows it: .*permissions and events it needs/);
    expect(setup.out()).toContain("codex-orchestrator doctor");
    expect(shown).not.toContain(world.github.app.webhookSecret);
    expect(shown).not.toContain("PRIVATE KEY");
    expect(shown).not.toContain(Buffer.from(world.github.app.privateKey).toString("base64").slice(100, 140));
    expect(shown).not.toContain(new URL(callback).searchParams.get("code"));
  });

  test("keeps all other lines of a .env", async () => {
    writeFileSync(join(world.folder, ".env"), "# mine\nOPENAI_API_KEY=sk-x\n\nWEBHOOK_SECRET=old\nLOG_LEVEL=debug");
    const setup = await world.start({ flags: PUBLIC });
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
    const secret = world.github.app.webhookSecret;
    expect(readEnv()).toMatch(
      new RegExp(
        `^# mine\nOPENAI_API_KEY=sk-x\n\nWEBHOOK_SECRET=${secret}\nLOG_LEVEL=debug\n\n# The GitHub App .*\nAPP_ID=`,
      ),
    );
  });

  test("follows a link to the .env, and closes one that others could read", async () => {
    const target = join(world.folder, "shared.env");
    writeFileSync(target, "A=1\n", { mode: 0o644 });
    symlinkSync(target, join(world.folder, ".env"));
    const setup = await world.start({ flags: PUBLIC });
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readFileSync(target, "utf8")).toMatch(/^A=1\n\n# The GitHub App .*\nAPP_ID=/);
    expect(readdirSync(world.folder).toSorted()).toEqual([".env", "shared.env"]);
  });

  test("says which App to delete when its credentials could not be written", async () => {
    const setup = await world.start({ flags: { ...PUBLIC, org: "octo-org" } });
    const callback = await walkToCallback(setup.page);
    mkdirSync(join(world.folder, ".env"));
    expect((await fetch(callback)).status).toBe(500);
    expect(await setup.exitCode).toBe(1);
    expect(setup.err()).toContain(
      `Delete it at ${world.github.origin}/organizations/octo-org/settings/apps/codex-orchestrator,`,
    );
    expect(readdirSync(world.folder)).toEqual([".env"]);
  });

  test("keeps the private key in a file of its own when it is told to", async () => {
    writeFileSync(join(world.folder, ".env"), "PRIVATE_KEY=old\n");
    const setup = await world.start({ flags: { ...PUBLIC, keyFile: "./app.pem" } });
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
    expect(readFileSync(join(world.folder, "app.pem"), "utf8").trim()).toBe(world.github.app.privateKey.trim());
    expect(statSync(join(world.folder, "app.pem")).mode & 0o777).toBe(0o600);
    expect(readEnv()).not.toContain("old");
    const { github, warnings } = readConfig({ environment: {}, folder: world.folder });
    expect([github.app?.privateKey.trim(), warnings]).toEqual([world.github.app.privateKey.trim(), []]);
  });

  test("makes the App for an organisation", async () => {
    const setup = await world.start({ flags: { ...PUBLIC, org: "octo-org" } });
    const { action } = readForm(await (await fetch(setup.page)).text(), { base: setup.page });
    expect(action).toMatch(
      new RegExp(`^${world.github.origin}/organizations/octo-org/settings/apps/new\\?state=[\\w-]{43}$`),
    );
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
  });

  test("asks on its page for the public URL when nobody gave one", async () => {
    const setup = await world.start();
    const asked = readForm(await (await fetch(setup.page)).text(), { base: setup.page });
    expect(asked).toEqual({ method: "get", action: setup.page, fields: { url: "" } });

    const refused = await sendForm({ ...asked, fields: { url: `"><script>alert(1)</script>` } });
    expect(refused.status).toBe(422);
    const again = await refused.text();
    expect(again).toContain("it must begin with https://");
    expect(again).not.toContain("<script>");

    const { url } = await sendForm({ ...asked, fields: { url: "https://codex.example.com/" } });
    await fetch(await walkToCallback(url));
    expect(await setup.exitCode).toBe(0);
    expect(readEnv()).toContain("\nPUBLIC_URL=https://codex.example.com\n");
  });

  test("makes a channel of smee.io when it is asked to, and only then", async () => {
    await using smee = await startSmee();
    const setup = await world.start({ flags: { smee: true }, smeeUrl: smee.newUrl });
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
    expect(world.github.listManifests()[0]?.hook_attributes).toEqual({ url: smee.channelUrl, active: true });
    const { webhookProxyUrl, http } = readConfig({ environment: {}, folder: world.folder });
    expect(webhookProxyUrl).toBe(smee.channelUrl);
    expect(http.publicUrl).toBeNull();
  });

  test("ends after its patience, and on Ctrl-C, without a .env", async () => {
    const late = await world.start({ flags: PUBLIC, patienceMs: 50 });
    expect(await late.exitCode).toBe(4);
    expect(late.err()).toMatch(/Nobody made the App within/);

    const stopped = await world.start({ flags: PUBLIC });
    stopped.interrupts.emit("SIGINT");
    expect(await stopped.exitCode).toBe(5);
    expect(stopped.err()).toContain("Stopped; no App was set up.\n");
    expect(stopped.interrupts.listenerCount("SIGINT")).toBe(0);
    await expect(fetch(stopped.page)).rejects.toThrow("fetch failed");
    expect(readdirSync(world.folder)).toEqual([]);
  });
});

describe("a callback", () => {
  test("with a wrong state, or none, is refused, and the page goes on waiting", async () => {
    const setup = await world.start({ flags: PUBLIC });
    const callback = new URL(await walkToCallback(setup.page));
    for (const state of ["", "x".repeat(43)]) {
      const wrong = new URL(callback);
      wrong.searchParams.set("state", state);
      const answer = await fetch(wrong);
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain("wrong state");
    }
    expect(setup.err()).toContain("A callback was refused: it does not belong to this set-up (wrong state).\n");
    expect((await fetch(callback)).status).toBe(200);
    expect(await setup.exitCode).toBe(0);
  });

  test("counts once, also when two come at the same time", async () => {
    const setup = await world.start({ flags: PUBLIC });
    world.github.fail({ method: "POST", path: "/app-manifests/{code}/conversions", status: "delay", delayMs: 200 });
    const first = await walkToCallback(setup.page);
    const second = await walkToCallback(setup.page);
    const statuses = await Promise.all([first, first, second].map(async (url) => (await fetch(url)).status));
    expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 409, 409]);
    expect(await setup.exitCode).toBe(0);
    expect(setup.err()).toContain("A second callback was refused: one App is made already.\n");
  });

  test("whose code GitHub does not know ends the set-up with the reason", async () => {
    const setup = await world.start({ flags: PUBLIC });
    const callback = new URL(await walkToCallback(setup.page));
    callback.searchParams.set("code", "0".repeat(40));
    expect((await fetch(callback)).status).toBe(502);
    expect(await setup.exitCode).toBe(1);
    expect(setup.err()).toContain("No App is set up: GitHub refused the code (HTTP 404)");
    expect(readdirSync(world.folder)).toEqual([]);
  });

  test("whose code is no code is not sent to GitHub", async () => {
    const setup = await world.start({ flags: PUBLIC });
    const callback = new URL(await walkToCallback(setup.page));
    callback.searchParams.set("code", "../app");
    await fetch(callback);
    expect(await setup.exitCode).toBe(1);
    expect(world.github.requests).toEqual([]);
  });
});

describe("the page", () => {
  test.each([
    ["another name for this machine", { host: "evil.example.com" }],
    ["the right name with another port", { host: "127.0.0.1:1" }],
    ["a proxy", { "x-forwarded-for": "203.0.113.7" }],
  ])("is refused to %s", async (_what, headers) => {
    const setup = await world.start({ flags: PUBLIC });
    expect(await askRaw(setup.page, headers)).toBe(403);
    setup.interrupts.emit("SIGTERM");
    expect(await setup.exitCode).toBe(5);
  });

  test("is not there without the key of its address, nor for other methods", async () => {
    const setup = await world.start({ flags: PUBLIC });
    const { origin } = new URL(setup.page);
    expect((await fetch(origin)).status).toBe(404);
    expect((await fetch(`${setup.page}x`)).status).toBe(404);
    expect((await fetch(setup.page, { method: "POST" })).status).toBe(405);
    const { headers } = await fetch(setup.page);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    setup.interrupts.emit("SIGINT");
    await setup.exitCode;
  });
});

describe("setup does not begin", () => {
  const begin = (options: Parameters<SetupWorld["start"]>[0]): Promise<unknown> =>
    world
      .start(options)
      .then(({ exitCode }) => exitCode)
      .catch((error: unknown) => error);

  test("when the .env names an App already, unless it is told to replace it", async () => {
    writeFileSync(join(world.folder, ".env"), "APP_ID=1\nPRIVATE_KEY=broken\n");
    const refused = await begin({ flags: PUBLIC });
    expect(refused).toBeInstanceOf(UsageError);
    expect(String(refused)).toMatch(/has an APP_ID already.*--force/);
    const setup = await world.start({ flags: { ...PUBLIC, force: true } });
    await fetch(await walkToCallback(setup.page));
    expect(await setup.exitCode).toBe(0);
    expect(readEnv()).toMatch(new RegExp(`^APP_ID=${world.github.app.id}\nPRIVATE_KEY=[A-Za-z0-9+/=]+\n`));
  });

  test("when a file stands where the key would go", async () => {
    writeFileSync(join(world.folder, "app.pem"), "another key");
    expect(String(await begin({ flags: { ...PUBLIC, keyFile: "app.pem" } }))).toMatch(/app.pem is there already/);
  });

  test("when the environment would win over what it writes", async () => {
    const refused = await begin({ flags: { ...PUBLIC, force: true }, environment: { WEBHOOK_SECRET: "given" } });
    expect(String(refused)).toMatch(/^UsageError: WEBHOOK_SECRET is set in the environment/);
  });

  test.each([
    "codex.example.com",
    "ftp://codex.example.com",
    "https://me:pw@codex.example.com",
    "https://c.example.com/?x",
  ])("with %s as the public URL", async (url) => {
    expect(String(await begin({ flags: { url } }))).toMatch(/^UsageError: --url cannot be taken: it must/);
  });

  test("when smee.io gives no channel", async () => {
    const refused = await begin({ flags: { smee: true }, smeeUrl: `${world.github.origin}/new` });
    expect(String(refused)).toMatch(/smee.io gives no channel now/);
  });

  test("with a port that somebody else has", async () => {
    const port = Number(new URL(world.github.origin).port);
    expect(String(await begin({ flags: { ...PUBLIC, port } }))).toMatch(/Port \d+ of 127.0.0.1 cannot be used/);
  });
});

async function askRaw(page: string, headers: Record<string, string>): Promise<number> {
  const { request } = await import("node:http");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  request(page, { headers }, (response) => resolve(response.resume().statusCode ?? 0))
    .once("error", reject)
    .end();
  return promise;
}
