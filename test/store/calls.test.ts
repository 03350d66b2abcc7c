import { expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { createNumberedRequest, describeBoth, drain } from "./lab.ts";

const call = { session: "session-1", args: "digest-1", request: "request-1" };
const anybody = { deliveryId: null, home: null, maxQueued: 100 };
const trigger = { kind: "mcp", actor: null, url: null } as const;

describeBoth("a run that was called for", (lab) => {
  const add = async (options: { call?: typeof call | null; deliveryId?: string } = {}) => {
    const request = createNumberedRequest(1, { trigger });
    const added = await lab().runs.add(request, { ...anybody, call, ...options });
    return { runId: request.run_id, added };
  };

  test("is the same for the same call until its end was told, also when it is over by then", async () => {
    const first = await add();
    expect(first.added).toEqual({ kind: "new" });
    const duplicate = { kind: "duplicate", runId: first.runId };
    expect((await add()).added).toEqual(duplicate);
    await drain(lab().claims(), { end: true });
    expect((await add()).added).toEqual(duplicate);

    await lab().runs.noteTold(first.runId);
    const second = await add();
    expect(second.added).toEqual({ kind: "new" });
    expect((await add()).added).toEqual({ kind: "duplicate", runId: second.runId });
  });

  test("is another one for another session, other arguments, or who does not call", async () => {
    await add();
    expect((await add({ call: { ...call, session: "session-2" } })).added).toEqual({ kind: "new" });
    expect((await add({ call: { ...call, args: "digest-2" } })).added).toEqual({ kind: "new" });
    expect((await add({ call: null })).added).toEqual({ kind: "new" });
    expect((await add({ call: null })).added).toEqual({ kind: "new" });
    expect(await lab().runs.list({ limit: 10 })).toHaveLength(5);
  });

  test("stays the one of its delivery, also when its end was told, or other arguments come with it", async () => {
    const first = await add({ deliveryId: "key" });
    const duplicate = { kind: "duplicate", runId: first.runId };
    await lab().runs.noteTold(first.runId);
    expect((await add({ deliveryId: "key" })).added).toEqual(duplicate);
    expect((await add({ deliveryId: "key", call: { ...call, args: "digest-2" } })).added).toEqual(duplicate);
    expect((await add({ deliveryId: "other key" })).added).toEqual({ kind: "new" });
  });

  test("is one when the same call comes ten times at once", async () => {
    const added = await Promise.all(Array.from({ length: 10 }, () => add()));
    expect(added.filter(({ added: { kind } }) => kind === "new")).toHaveLength(1);
    expect(await lab().runs.list({ limit: 10 })).toHaveLength(1);
  });

  test("keeps the digest of what was asked for; one that was not called for has none", async () => {
    const { runId } = await add();
    const other = await add({ call: null });
    expect(await lab().runs.findCallArgs(runId)).toBe("digest-1");
    expect(await lab().runs.findCallArgs(other.runId)).toBeNull();
    expect(await lab().runs.findCallArgs(createRunId())).toBeNull();
  });

  test("is found by each request that asked for it, whether it began the run or found it", async () => {
    const { runId } = await add({ deliveryId: "key" });
    await add({ deliveryId: "key", call: { ...call, session: "session-2", request: "request-2" } });
    await add({ call: { ...call, request: "request-3" } });
    const other = await add({ deliveryId: "request-4", call: { ...call, args: "digest-2", request: "request-4" } });
    const requests = ["request-1", "request-2", "request-3", "request-4"];
    const found = await Promise.all(requests.map((request) => lab().runs.findByRequest(request)));
    expect(found).toEqual([runId, runId, runId, other.runId]);
    expect(await lab().runs.findByRequest("request-5")).toBeNull();
  });

  test("is not found by a request that asked for something else with its key, and by one that is used again as the last", async () => {
    await add({ deliveryId: "key" });
    await add({ deliveryId: "key", call: { session: "session-2", args: "digest-2", request: "request-2" } });
    expect(await lab().runs.findByRequest("request-2")).toBeNull();
    const last = await add({ deliveryId: "key-2", call: { ...call, args: "digest-2" } });
    expect(await lab().runs.findByRequest("request-1")).toBe(last.runId);
  });

  test("is told once, and nothing is told of one that was not called for or does not exist", async () => {
    const { runId } = await add();
    const other = await add({ call: null });
    const readTold = () => lab().database.kysely.selectFrom("runs").select("told_at").orderBy("seq").execute();
    await lab().runs.noteTold(runId);
    const told = await readTold();
    expect(told).toEqual([{ told_at: expect.any(String) }, { told_at: null }]);
    for (const id of [runId, other.runId, createRunId()]) await lab().runs.noteTold(id);
    expect(await readTold()).toEqual(told);
  });
});
