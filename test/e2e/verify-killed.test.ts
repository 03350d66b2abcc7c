import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ModelRequest, ModelScript } from "../../src/demo/model-script.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";
import { DONE, listRuns, openWorld, until, type World } from "./world.ts";

/** Two turns: what the second one makes is what the check asks for. Each takes its time. */
const COMMANDS = ["echo a > a.txt; echo TURN-ONE; sleep 3", "cat a.txt; echo TURN-TWO; sleep 3; echo v > verified.txt"];
const SETTINGS = {
  setup: ["echo SETTING-UP; sleep 3; echo made > made.txt"],
  verify: ["echo CHECKING; sleep 3; test -f verified.txt"],
};

let turns: string[] = [];
let world: World;
let servers: ServeProcess[] = [];

beforeEach(async () => {
  turns = [];
  world = await openWorld({ script: answer, server: "stopped" });
  const files = { ".github/codex.yml": JSON.stringify(SETTINGS) };
  await world.github.git.commit(world.github.repository, { branch: "main", message: "Settings", files });
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  servers = [];
  await world[Symbol.asyncDispose]();
});

function answer({ prompt, outputsInTurn }: ModelRequest): ModelScript {
  if (outputsInTurn === 0 && turns.at(-1) !== prompt) turns.push(prompt);
  const command = COMMANDS[Math.min(turns.length, COMMANDS.length) - 1] ?? "true";
  return [
    { items: [{ kind: "shell", command, yieldTimeMs: 30_000 }] },
    { items: [{ kind: "say", text: `Turn ${turns.length}.\n${DONE}` }] },
  ];
}

async function start(): Promise<ServeProcess> {
  const server = await startServeProcess({ environment: world.environment });
  servers.push(server);
  return server;
}

function readLog(): string {
  const [runId = ""] = listRuns(world.runsPath);
  const path = join(world.runsPath, runId, "log.txt");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

const count = (text: string): number => readLog().split(text).length - 1;

test.each([
  ["while setup ran", () => count("\nSETTING-UP") > 0 || readLog().startsWith("[setup]")],
  ["while its work was verified", () => count("\n[verify] $") === 1],
  ["in the second turn", () => world.model.requests.length === 3],
  ["while its work was verified again", () => count("\n[verify] $") === 2],
])("a run that was cut %s ends as if nothing had happened, and pays for no turn twice", async (_when, isThere) => {
  const first = await start();
  const { commentId } = await world.github.deliverComment({ url: first.url, user: "octocat", body: "/codex Make it" });
  await until("the moment", () => (isThere() ? true : undefined));
  // The model's answer, when that is what it is in the middle of, has come by then.
  await sleep(1_000);
  await first.kill();
  await start();
  const result = await world.nextResult();
  expect(result).toMatchObject({ status: "done", error: null, output: { summary: "Turn 2." } });
  expect(result.output.files_changed).toEqual(["a.txt", "verified.txt"]);
  expect(await world.reported(commentId)).toBe("rocket");
  expect(world.model.requests).toHaveLength(4);
  expect(turns).toHaveLength(2);
  expect(await world.botComments()).toHaveLength(1);
  expect(await world.pullRequests()).toHaveLength(1);
  const log = readLog();
  for (const text of ["echo SETTING-UP", "Codex: Turn 1.", "Codex: Turn 2."]) expect(count(text)).toBe(1);
  expect(log.indexOf("[setup]")).toBeLessThan(log.indexOf("Codex: Turn 1."));
  expect(log.indexOf("Codex: Turn 1.")).toBeLessThan(log.indexOf("Codex: Turn 2."));
  expect(await waitForNothingLeft(world)).toEqual([]);
});
