import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { STEPS, type Step } from "../../src/steps.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";
import { DONE, listRuns, openWorld, until, type World } from "./world.ts";

/** The kill may cut an answer of the model, which Codex then asks for once more. */
const CUTS_AN_ANSWER: readonly Step[] = ["agent-running"];

let servers: ServeProcess[] = [];

async function start(environment: Record<string, string>): Promise<ServeProcess> {
  const server = await startServeProcess({ environment });
  servers.push(server);
  return server;
}

/** Delivers a command to a server that dies at a step of it, and starts another one. */
async function crashAndRestart(world: World, step: Step): Promise<number> {
  const dying = await start({ ...world.environment, CODEX_ORCH_CRASH_AT: step });
  const delivery = await world.github.deliverComment({ url: dying.url, user: "octocat", body: "/codex Do the work" });
  await until("the crash", () => (dying.child.signalCode === "SIGKILL" ? true : undefined));
  await start(world.environment);
  return delivery.commentId;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The tests that kill a server at each step, on the database that these variables name. */
export function testCrashPoints(toDatabase: () => Promise<Record<string, string>>): void {
  afterEach(async () => {
    for (const server of servers) await server.kill();
    servers = [];
  });

  test.each(STEPS)(
    "a server killed at %s leaves one run, one pull request, one comment, and nothing else",
    async (step) => {
      const script = [
        { items: [{ kind: "shell" as const, command: "echo work > work.txt" }] },
        { items: [{ kind: "say" as const, text: `Worked.\n${DONE}` }] },
      ];
      // What GitHub delivers again goes to the address it knows.
      const environment = { PORT: String(await findFreePort()) };
      const database = await toDatabase();
      await using world = await openWorld({ script, environment: { ...environment, ...database }, server: "stopped" });
      const commentId = await crashAndRestart(world, step);

      expect(await world.reported(commentId)).toBe("rocket");
      expect(await world.nextResult()).toMatchObject({
        status: "done",
        error: null,
        output: { files_changed: ["work.txt"] },
      });
      expect(await waitForNothingLeft(world)).toEqual([]);
      expect(await world.pullRequests()).toHaveLength(1);
      expect(await world.botComments()).toHaveLength(1);
      expect(listRuns(world.runsPath)).toHaveLength(1);
      expect(world.model.requests.length).toBeGreaterThanOrEqual(2);
      expect(world.model.requests.length).toBeLessThanOrEqual(CUTS_AN_ANSWER.includes(step) ? 3 : 2);
      const { orchestrator: _, store } = world.server.product;
      await until("the run is closed", async () => ((await store.listOpen()).length === 0 ? true : undefined));
    },
  );
}
