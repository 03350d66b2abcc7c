import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import type { StoredDelivery } from "../../../src/trigger/github/deps.ts";
import { createDeliveries, startApp } from "./app-host.ts";
import { createPayload } from "./comment-payload.ts";
import { BOT } from "./github-api.ts";

/** A delivery as a dead process left it. */
function toLeft(deliveryId: string, options: { body: string; commentId: number }): StoredDelivery {
  const payload = JSON.stringify(createPayload(options));
  return { deliveryId, commentKey: `1296269/${options.commentId}`, event: "issue_comment", payload };
}

test("what an earlier process recorded is taken up at the start, and said only once", async () => {
  const deliveries = createDeliveries();
  deliveries.leave(toLeft("d1", { body: "/codex do it", commentId: 1 }));
  deliveries.leave(toLeft("d2", { body: "/codex help", commentId: 2 }));
  deliveries.leave(toLeft("d3", { body: "/codex help", commentId: 3 }));
  using host = await startApp({ deliveries });
  host.api.comments.push(
    { id: 1, body: "<!-- codex-orchestrator:d2:help -->\n\nHelp", user: { login: BOT } },
    { id: 2, body: "<!-- codex-orchestrator:d3:help -->\n\nI am not the App", user: { login: "octocat" } },
  );
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect(host.runs).toHaveLength(1);
  expect(host.api.posted()).toHaveLength(1);
  expect(host.api.posted()[0]).toContain("d3:help");
  expect(deliveries.open()).toEqual([]);
});

test("a command that a dead process refused is not carried out by the next one, even if it could be now", async () => {
  using host = await startApp();
  host.api.comments.push({
    id: 1,
    body: "<!-- codex-orchestrator:d1:full -->\n\nThe queue is full.",
    user: { login: BOT },
  });
  host.deliveries.leave(toLeft("d1", { body: "/codex do it", commentId: 1 }));
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect([host.runs, host.api.posted(), host.api.reactions()]).toEqual([[], [], ["confused"]]);
  expect(host.deliveries.open()).toEqual([]);
});

test("a run that a dead process accepted gets its 👀 from the next one, and no second run is made", async () => {
  using host = await startApp();
  await host.comment({ body: "/codex do it", commentId: 1 }, { id: "d1" });
  host.deliveries.handled.length = 0;
  host.deliveries.leave(toLeft("d1", { body: "/codex do it", commentId: 1 }));
  await host.app.resumeUnhandled();
  await host.app.onIdle();
  expect(host.runs).toHaveLength(1);
  expect(host.api.reactions()).toEqual(["eyes", "eyes"]);
  expect(host.api.posted()).toEqual([]);
});

test("the step of the permission is passed once it is granted and before anything else is done", async () => {
  const seen: unknown[] = [];
  using host = await startApp();
  const note = (step: unknown): void => void seen.push([step, host.runs.length, host.api.calls.length]);
  subscribe("codex-orchestrator:step", note);
  await host.comment({});
  host.api.permissions["octocat"] = { status: 404 };
  await host.comment({ commentId: 1002 });
  unsubscribe("codex-orchestrator:step", note);
  expect(seen).toEqual([["permission-checked", 0, 2]]);
});

test("GH-010: a permission that GitHub cannot tell during a short outage is asked for again, and the run starts", async () => {
  using host = await startApp();
  for (const status of [502, 503]) {
    host.api.failures.push({ method: "GET", path: /permission$/, answer: { status } });
  }
  await host.comment({});
  expect(host.runs).toHaveLength(1);
  expect(host.api.reactions()).toEqual(["eyes"]);
}, 15_000);

test("GH-010: a reply whose answer got lost is looked up before it is posted again", async () => {
  using host = await startApp();
  host.api.comments.push({ id: 77, body: "<!-- codex-orchestrator:lost:help -->\n\nHelp", user: { login: BOT } });
  host.api.failures.push({ method: "POST", path: /42\/comments$/, answer: { status: 502 } });
  await host.comment({ body: "/codex help" }, { id: "lost" });
  expect(host.api.posted()).toHaveLength(1);
  expect(host.api.find("GET", /42\/comments$/)).toHaveLength(1);
  expect(host.api.reactions()).toEqual(["eyes", "rocket"]);
});

test("a record that cannot be read is said to whoever asks", async () => {
  const deliveries = { ...createDeliveries(), takeUnhandled: () => Promise.reject(new Error("database is away")) };
  using host = await startApp({ deliveries });
  await expect(host.app.resumeUnhandled()).rejects.toThrow("database is away");
});

test("a process that stops leaves what it has not carried out to the next one, and says no more than that it was seen", async () => {
  const { promise: closed, reject } = Promise.withResolvers<never>();
  using host = await startApp({ submit: () => closed });
  const received = host.comment({}, { id: "d1" });
  // The permission, the settings, what was said before, and 👀.
  await expect.poll(() => host.api.calls.length).toBe(4);
  const stopped = host.app.stop();
  reject(new Error("the database is closed"));
  await stopped;
  await received;
  await host.app.resumeUnhandled();
  expect(host.api.reactions()).toEqual(["eyes"]);
  expect(host.deliveries.open()).toMatchObject([{ deliveryId: "d1" }]);
});
