import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const bearer = { authorization: `Bearer ${TOKEN}` };

/** The button of a run's page: where it leads, and the form's token. */
async function findButton(path: string, headers: Record<string, string>) {
  const html = await (await world.get(path, headers)).text();
  const [, action = "", form = ""] =
    /<form method="post" action="(\/runs\/[0-9a-f-]+\/\w+)">\s*<input type="hidden" name="form" value="([\w-]+)"/.exec(
      html,
    ) ?? [];
  return { action, form };
}

describe("a run's page", () => {
  test("asks for the end of a run that waits", async () => {
    const { run_id: runId } = await world.addRun();
    expect(await world.product.store.position(runId)).toBe(1);
    const session = await world.signIn();
    const { action, form } = await findButton(`/runs/${runId}`, session);
    expect(action).toBe(`/runs/${runId}/cancel`);
    const answer = await world.post(action, { form: { form }, headers: session });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `/runs/${runId}`]);
    expect(await world.product.store.position(runId)).toBeNull();
  });

  test("asks for the same again, told in the same thread, as often as it is pressed", async () => {
    const first = await world.addResult({}, { prompt: "Once more", env_vars: null });
    const session = await world.signIn();
    const { action, form } = await findButton(`/runs/${first.run_id}`, session);
    expect(action).toBe(`/runs/${first.run_id}/retry`);
    const press = async (): Promise<string> =>
      (await world.post(action, { form: { form }, headers: session })).headers.get("location")?.split("/")[2] ?? "";
    const pressed = [await press(), await press()];
    expect(new Set([...pressed, first.run_id]).size).toBe(3);
    const records = await world.product.store.list({ limit: 10 });
    expect(records.map(({ runId }) => runId)).toEqual([pressed[1], pressed[0], first.run_id]);
    for (const { runId } of records) {
      const again = await world.product.store.request(runId);
      expect(again).toMatchObject({ prompt: "Once more", trigger: first.trigger });
      expect(again?.thread).toMatchObject({ number: first.thread?.number, comment_id: first.thread?.comment_id });
    }
    // The command was given long before; these were asked for here.
    const given = await Promise.all(records.map(async ({ runId }) => world.product.store.request(runId)));
    expect(given.map((request) => request?.thread?.given_at)).toEqual([null, null, first.thread?.given_at]);
    expect(first.thread?.given_at).not.toBeNull();
  });

  test("does the same for a program that sends the token", async () => {
    const { run_id: runId } = await world.addResult();
    const answer = await world.post(`/runs/${runId}/retry`, { form: {}, headers: bearer });
    expect([answer.status, await answer.json()]).toEqual([202, { run_id: expect.not.stringMatching(runId) }]);
    const going = await world.addRun();
    const refused = await world.post(`/runs/${going.run_id}/retry`, { form: {}, headers: bearer });
    expect([refused.status, await refused.json()]).toEqual([409, { error: expect.stringContaining("not over") }]);
  });

  test.each(["cancel", "retry"])("lets nobody else %s", async (action) => {
    const { run_id: runId } = action === "cancel" ? await world.addRun() : await world.addResult();
    const other = await world.addRun();
    const path = `/runs/${runId}/${action}`;
    const session = await world.signIn();
    const { form } = await findButton(`/runs/${runId}`, await world.signIn());
    const press = async (to: string, options: { form: Record<string, string>; headers?: Record<string, string> }) =>
      (await world.post(to, options)).status;

    expect(await press(path, { form: {} })).toBe(401);
    expect(await press(path, { form: {}, headers: session })).toBe(403);
    expect(await press(path, { form: { form }, headers: session })).toBe(403);
    expect(await press(world.toLink(runId).replace("?", `/${action}?`), { form: { form } })).toBe(403);
    expect((await world.get(path, session)).status).toBe(404);
    expect(await (await world.get(world.toLink(other.run_id))).text()).not.toContain('method="post"');
    expect(await world.product.store.list({ limit: 10 })).toHaveLength(2);
    expect((await world.product.store.findState(runId))?.state).toBe(action === "cancel" ? "queued" : "done");
  });
});
