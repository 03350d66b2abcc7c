import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { openReadyRoute } from "../../src/compose/ready-route.ts";
import { createReadyRoute, type ReadyCheck } from "../../src/web/readyz.ts";
import { startWebServer, type Route } from "../../src/web/server.ts";

async function serve(route: Route): Promise<string> {
  const web = await startWebServer({ host: "127.0.0.1", port: 0, routes: [route], onError: () => {} });
  onTestFinished(() => web[Symbol.asyncDispose]());
  return `http://127.0.0.1:${web.port}/readyz`;
}

test("without an engine it is 503, with every reason and what to do about it, and nothing secret", async () => {
  const folder = mkdtempSync(join(tmpdir(), "readyz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const DOCKER_HOST = `unix://${join(folder, "none.sock")}`;
  const environment = { OPENAI_API_KEY: "sk-test-0123456789", DOCKER_HOST, RUNS_PATH: "runs", LOG_LEVEL: "silent" };
  await using product = await compose({
    config: readConfig({ environment, folder }),
    role: "look",
    createReporter: () => null,
  });
  const response = await fetch(await serve(openReadyRoute(product)));
  const text = await response.text();
  expect(response.status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({
    ok: false,
    checks: [
      { name: "docker", ok: false, mend: expect.stringContaining("Start the Docker engine") },
      { name: "image", ok: false, mend: expect.stringContaining("Start the Docker engine") },
      { name: "disk", ok: true, detail: null, mend: null },
      { name: "database", ok: true },
      { name: "queue", ok: true },
      { name: "model", ok: true },
    ],
  });
  expect(text).not.toContain(folder);
  expect(text).not.toContain("sk-test");
});

test("a hundred questions at once look once, and the answer is kept for a few seconds", async () => {
  let looks = 0;
  const check: ReadyCheck = { name: "one", mend: "", check: async () => (looks++, null) };
  const url = await serve(createReadyRoute({ checks: [check], onError: () => {}, keptMs: 1500 }));
  const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await fetch(url)).status));
  expect([new Set(statuses), looks]).toEqual([new Set([200]), 1]);
  await sleep(2400);
  await fetch(url);
  expect(looks).toBe(2);
});

test("a check that hangs is answered for within a second, and not made again beside itself", async () => {
  let looks = 0;
  const check = () => (looks++, new Promise<null>(() => {}));
  const hanging: ReadyCheck = { name: "slow", mend: "Wake it.", check };
  const url = await serve(createReadyRoute({ checks: [hanging], onError: () => {}, keptMs: 0 }));
  const startedAt = performance.now();
  const response = await fetch(url);
  expect(performance.now() - startedAt).toBeLessThan(1000);
  expect(await response.json()).toEqual({
    ok: false,
    checks: [{ name: "slow", ok: false, detail: "There was no answer within 800 ms.", mend: "Wake it." }],
  });
  await sleep(900);
  await fetch(url);
  expect(looks).toBe(1);
});

test("what a check fails with is told to the log alone", async () => {
  const errors: unknown[] = [];
  const check = async () => Promise.reject(new Error("password authentication failed for codex@10.0.0.1"));
  const failing: ReadyCheck = { name: "database", mend: "Start it.", check };
  const url = await serve(createReadyRoute({ checks: [failing], onError: (error) => errors.push(error) }));
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining("10.0.0.1")]);
  expect(errors).toHaveLength(1);
});
