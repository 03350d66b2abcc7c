import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunResult } from "../../src/run/result.ts";
import { findSecrets } from "../helpers/find-secret.ts";
import {
  makeAuthFolder,
  sendJson,
  startTokenServer,
  toChatGptFile,
  type AuthFolder,
  type TokenServer,
} from "../login/login-fixture.ts";
import { startServeProcess } from "./serve-process.ts";
import { DONE, listRuns, openWorld, until, type World } from "./world.ts";

const RUNS = 20;

let tokens: TokenServer;
let login: AuthFolder;
let world: World;

beforeEach(async () => {
  tokens = await startTokenServer();
  login = await makeAuthFolder(toChatGptFile("old", -60));
  world = await openWorld({
    script: [{ items: [{ kind: "say", text: `Nothing to do.\n${DONE}` }] }],
    environment: {
      OPENAI_API_KEY: "",
      CODEX_AUTH_PATH: login.path,
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: tokens.url,
      MAX_CONCURRENT_RUNS: String(RUNS),
      MAX_CONCURRENT_RUNS_PER_REPO: String(RUNS),
      RUN_MEMORY: "256m",
    },
    server: "stopped",
  });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await login[Symbol.asyncDispose]();
  await tokens[Symbol.asyncDispose]();
});

/** Asks for all runs at once, by turns of two servers that share everything, and gives how they ended. */
async function runAll(): Promise<RunResult[]> {
  await using first = await startServeProcess({ environment: world.environment });
  await using second = await startServeProcess({ environment: world.environment });
  for (let asked = 0; asked < RUNS; asked++) {
    const { url } = asked % 2 === 0 ? first : second;
    await world.github.deliverComment({ url, user: "octocat", body: "/codex --mode ask Look", id: randomUUID() });
  }
  const readAll = () => listRuns(world.runsPath).map((run) => join(world.runsPath, run, "result.json"));
  return await until(
    "all results",
    () => {
      try {
        const results = readAll().map((path) => RunResult.parse(JSON.parse(readFileSync(path, "utf8"))));
        return results.length === RUNS ? results : undefined;
      } catch {
        return undefined; // not all are there yet
      }
    },
    { withinMs: 150_000 },
  );
}

test("20 runs of two servers with a ChatGPT token that has ended renew it once, and all go on", async () => {
  tokens.answer = (response) =>
    sendJson(response, 200, {
      access_token: world.apiKey,
      refresh_token: "refresh-token-new",
      id_token: "id-token-new",
    });
  const results = await runAll();
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["done"]));
  expect(tokens.requests.map(({ refresh_token }) => refresh_token)).toEqual(["refresh-token-old"]);
  expect((await login.read()).tokens["refresh_token"]).toBe("refresh-token-new");
  expect(await login.mode()).toBe(0o600);
  const written = results.map(({ run_id }) => readFileSync(join(world.runsPath, run_id, "log.txt")).toString()).join();
  expect(findSecrets(written, { token: world.apiKey, refresh: "refresh-token-new" })).toEqual([]);
});

test("a refresh that is refused ends a run as model-auth, and says to log in again", async () => {
  tokens.answer = (response) => sendJson(response, 401, { error: { code: "refresh_token_expired" } });
  await using server = await startServeProcess({ environment: world.environment });
  const { commentId } = await world.github.deliverComment({ url: server.url, user: "octocat", body: "/codex Look" });
  expect(await world.nextResult()).toMatchObject({
    status: "error",
    error: { reason: "model-auth", hint: expect.stringContaining("codex login") },
  });
  expect(await world.reported(commentId)).toBe("confused");
  expect(tokens.requests).toHaveLength(1);
});
