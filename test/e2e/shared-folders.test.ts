import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { waitForNothingLeft } from "./leftovers.ts";
import { startServeProcess, type ServeProcess } from "./serve-process.ts";
import { DONE, listRuns, openWorld, until } from "./world.ts";

test("a server that is frozen loses its run to another one with the same folders, in its container and paid for once", async () => {
  await using world = await openWorld({
    script: [
      { items: [{ kind: "shell", command: "echo work > work.txt; sleep 35", yieldTimeMs: 120_000 }] },
      { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
    ],
    server: "stopped",
  });
  const start = async (): Promise<ServeProcess> => {
    const server = await startServeProcess({ environment: world.environment });
    onTestFinished(() => server.kill());
    return server;
  };
  const frozen = await start();
  const body = "/codex Take long";
  const { commentId } = await world.github.deliverComment({ url: frozen.url, user: "octocat", body, id: randomUUID() });
  await until("the model was asked", () => (world.model.requests.length > 0 ? true : undefined));
  const other = await start();
  frozen.child.kill("SIGSTOP");
  await until("the other one has it", () => (other.log().includes("run was taken over") ? true : undefined));
  const logged = frozen.log().length;
  frozen.child.kill("SIGCONT");

  expect(await world.nextResult()).toMatchObject({ status: "done", error: null, output: { summary: "Worked." } });
  expect(await world.reported(commentId)).toBe("rocket");
  expect(frozen.log().slice(logged)).toMatch(/belongs to another process now|took the run over/);
  expect(await world.botComments()).toHaveLength(1);
  expect(await world.pullRequests()).toHaveLength(1);
  expect(listRuns(world.runsPath)).toHaveLength(1);
  expect(world.model.requests).toHaveLength(2);
  expect(await waitForNothingLeft(world)).toEqual([]);
});
