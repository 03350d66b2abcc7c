import { once } from "node:events";
import { createServer } from "node:http";
import { expect, test } from "vitest";
import type { RunRecord } from "../../src/store/runs.ts";
import { toPort } from "../trigger/github/gate-server.ts";
import { DONE, openWorld, until } from "./world.ts";

test("a cancel that comes late leaves the run that was asked for after it, and one that comes in time ends it", async () => {
  const script = [
    { items: [{ kind: "shell", command: "sleep 60" } as const] },
    { items: [{ kind: "say", text: DONE } as const] },
  ];
  await using world = await openWorld({ script: () => script });
  await using elsewhere = createServer((_, response) => void response.end()).listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  const inState = (state: string): Promise<RunRecord> =>
    until(state, async () => (await world.server.product.store.list({ limit: 1 })).find((run) => run.state === state));

  const { commentId, ...late } = await world.github.deliverComment({
    ...{ url: `http://127.0.0.1:${toPort(elsewhere)}/`, user: "octocat", body: "/codex cancel" },
  });
  await world.comment("/codex Take long");
  const { runId } = await inState("running");
  const url = `${world.server.url}/api/github/webhooks`;
  await world.github.deliver({ url, event: late.event, payload: late.payload, id: late.id });
  expect(await world.reported(commentId)).toBe("confused");
  const said = (await world.botComments()).join("");
  expect(said).toContain(`The run \`${runId.slice(-8)}\` was asked for after it and goes on`);
  expect((await inState("running")).result).toBeNull();

  expect(await world.reported(await world.comment("/codex cancel"))).toBe("rocket");
  expect((await inState("cancelled")).runId).toBe(runId);
  expect(await world.github.listViolations()).toEqual([]);
});
