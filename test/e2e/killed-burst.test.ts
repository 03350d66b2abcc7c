import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServeProcess } from "./serve-process.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const COMMANDS = 300;
const KILLED_AFTER = 60;

let world: World;
beforeAll(
  async () =>
    (world = await openWorld({
      script: [{ items: [{ kind: "say", text: DONE }] }],
      server: "stopped",
      environment: { CODEX_IMAGE: "codex-runner:of-no-run" },
    })),
);
afterAll(() => world[Symbol.asyncDispose]());

/** Runs one person may start within an hour; what an earlier process had taken is not counted again, so there may be more. */
const RUNS_PER_HOUR = 60;

/** The comments whose commands are on record, and how many runs there are. */
function readRecord(): { comments: Set<number>; runs: number } {
  const database = new DatabaseSync(join(world.runsPath, ".state", "orchestrator.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT comment_key FROM deliveries").all();
    const comments = rows.map((row) => Number(String(row["comment_key"]).split("/")[1]));
    return {
      comments: new Set(comments),
      runs: Number(database.prepare("SELECT count(*) AS n FROM runs").get()?.["n"]),
    };
  } finally {
    database.close();
  }
}

test("a server that is killed in the middle of a burst loses nothing that it had answered", async () => {
  const first = await startServeProcess({ environment: world.environment, args: ["serve"] });
  const answered: number[] = [];
  const give = async (): Promise<void> => {
    const { status, commentId } = await world.github.deliverComment({
      url: first.url,
      user: "octocat",
      body: "/codex Do it",
      id: randomUUID(),
    });
    if (status !== 200) return;
    answered.push(commentId);
    if (answered.length === KILLED_AFTER) await first.kill();
  };
  // Those that the kill cut off were answered with nothing at all.
  await Promise.allSettled(Array.from({ length: COMMANDS }, give));
  expect(answered.length).toBeGreaterThanOrEqual(KILLED_AFTER);
  expect(answered.length).toBeLessThan(COMMANDS);
  const { comments } = readRecord();
  expect(answered.filter((id) => !comments.has(id))).toEqual([]);

  const second = await startServeProcess({ environment: world.environment, args: ["serve"] });
  try {
    await until("the runs of what was answered", () => (readRecord().runs >= RUNS_PER_HOUR ? true : undefined));
  } finally {
    await second.kill();
  }
});
