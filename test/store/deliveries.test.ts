import { expect, test } from "vitest";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createDeliveryStore, type StoredDelivery } from "../../src/store/deliveries.ts";
import { openDatabase } from "../../src/store/database.ts";
import type { ProcessIdentity } from "../../src/store/process-identity.ts";
import { describeBoth, self, startOtherProcess } from "./lab.ts";

function createDelivery(deliveryId: string, commentKey: string, payload = "{}"): StoredDelivery {
  return { deliveryId, commentKey, event: "issue_comment", payload };
}

const toIds = (deliveries: readonly StoredDelivery[]) => deliveries.map(({ deliveryId }) => deliveryId);

describeBoth("deliveries", (lab) => {
  const open = (process: ProcessIdentity = self) => createDeliveryStore(lab().database, { process });

  test("WH-013: are stored once per id and once per comment, also after a restart", async () => {
    const first = open();
    const outcomes = await Promise.all([
      first.record(createDelivery("a", "1/1")),
      first.record(createDelivery("a", "1/1")),
      first.record(createDelivery("b", "1/1")),
      first.record(createDelivery("c", "1/2")),
    ]);
    expect(outcomes).toEqual(["new", "duplicate", "duplicate", "new"]);
    await using again = await openDatabase(lab().place);
    const second = createDeliveryStore(again, { process: self });
    expect(await second.record(createDelivery("a", "1/9"))).toBe("duplicate");
    expect(await second.record(createDelivery("d", "1/2"))).toBe("duplicate");
  });

  test("that a dead process left are taken once, oldest first, without those it had handled", async () => {
    await using other = await startOtherProcess();
    const theirs = open(other.identity);
    for (const id of ["c", "a", "b"]) await theirs.record(createDelivery(id, `1/${id}`, `{"id":"${id}"}`));
    theirs.markHandled("a");
    await theirs.flush();
    await using another = await startOtherProcess();
    const [here, elsewhere] = [open(), open(another.identity)];
    expect(await here.takeUnhandled()).toEqual([]);
    await other.kill();
    const taken = await Promise.all([here.takeUnhandled(), here.takeUnhandled(), elsewhere.takeUnhandled()]);
    expect(taken.flat()).toEqual([createDelivery("c", "1/c", `{"id":"c"}`), createDelivery("b", "1/b", `{"id":"b"}`)]);
    expect(taken.filter(({ length }) => length > 0)).toHaveLength(1);
    expect(await here.takeUnhandled()).toEqual([]);
  });

  test("that this process has itself are not taken from it", async () => {
    const store = open();
    await store.record(createDelivery("a", "1/1"));
    expect(await store.takeUnhandled()).toEqual([]);
  });

  test("whose storing was not answered are taken up once, and told as repeated when they come again", async () => {
    const { database } = lab();
    await using other = await startOtherProcess();
    await open(other.identity).record(createDelivery("b", "1/2"));
    await other.kill();
    let isAnswered = false;
    const store = createDeliveryStore(
      {
        ...database,
        transact: async (body, options) => {
          const result = await database.transact(body, options);
          if (!isAnswered) throw new Error("the connection was lost");
          return result;
        },
      },
      { process: self },
    );
    await expect(store.record(createDelivery("a", "1/1"))).rejects.toThrow("connection was lost");
    await expect(store.takeUnhandled()).rejects.toThrow("connection was lost");
    isAnswered = true;
    expect(await store.record(createDelivery("a", "1/1"))).toBe("duplicate");
    expect(toIds(await store.takeUnhandled()).toSorted()).toEqual(["a", "b"]);
    expect(await store.takeUnhandled()).toEqual([]);
    for (const id of ["a", "b"]) store.markHandled(id);
    expect(await store.takeUnhandled()).toEqual([]);
  });

  test("are on disk once they are answered: another connection sees them", async () => {
    await using other = await startOtherProcess();
    await open(other.identity).record(createDelivery("a", "1/1"));
    await other.kill();
    await using again = await openDatabase(lab().place);
    expect(toIds(await createDeliveryStore(again, { process: self }).takeUnhandled())).toEqual(["a"]);
  });

  test("two thousand at once, half of them repeated, are stored once each and answered within seconds", async () => {
    const store = open();
    const payload = JSON.stringify({ body: "ż".repeat(8_000) });
    const elapsedMs: number[] = [];
    const startedAt = performance.now();
    const outcomes = await Promise.all(
      Array.from({ length: 2000 }, async (_, index) => {
        const outcome = await store.record(createDelivery(`d${index % 1000}`, `1/${index % 1000}`, payload));
        elapsedMs.push(performance.now() - startedAt);
        return outcome;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === "new")).toHaveLength(1000);
    expect(Math.max(...elapsedMs)).toBeLessThan(5_000);
  });

  test("pass their two steps before and after they are on disk", async () => {
    const passed: unknown[] = [];
    const note = (step: unknown): void => void passed.push(step);
    subscribe("codex-orchestrator:step", note);
    try {
      const recorded = open().record(createDelivery("a", "1/1"));
      expect(passed).toEqual(["delivery-arrived"]);
      await recorded;
      expect(passed).toEqual(["delivery-arrived", "delivery-recorded"]);
    } finally {
      unsubscribe("codex-orchestrator:step", note);
    }
  });

  test("that cannot be stored are refused, and later ones are stored again", async () => {
    await using database = await openDatabase(lab().place);
    const store = createDeliveryStore(database, { process: self });
    await lab().database.kysely.schema.alterTable("deliveries").renameTo("away").execute();
    await expect(store.record(createDelivery("a", "1/1"))).rejects.toThrow("deliveries");
    await lab().database.kysely.schema.alterTable("away").renameTo("deliveries").execute();
    expect(await store.record(createDelivery("a", "1/1"))).toBe("new");
  });

  test("WH-013: that were handled long ago keep only their keys, so that a repeated one is known for a year", async () => {
    const store = open();
    const { kysely } = lab().database;
    for (const id of ["old", "ancient", "young", "open"]) await store.record(createDelivery(id, `1/${id}`));
    const at = {
      old: "2026-01-01T00:00:00.000Z",
      ancient: "2025-01-01T00:00:00.000Z",
      young: "2026-03-01T00:00:00.000Z",
    };
    for (const [id, handled_at] of Object.entries(at))
      await kysely.updateTable("deliveries").set({ handled_at }).where("delivery_id", "=", id).execute();
    const options = { contentsBefore: new Date("2026-02-01"), keysBefore: new Date("2025-06-01") };
    expect(await store.prune(options)).toBe(2);
    expect(await store.prune(options)).toBe(0);
    const rows = await kysely.selectFrom("deliveries").select(["delivery_id", "payload"]).orderBy("seq").execute();
    expect(rows).toEqual([
      { delivery_id: "old", payload: "" },
      { delivery_id: "young", payload: "{}" },
      { delivery_id: "open", payload: "{}" },
    ]);
    expect(await store.record(createDelivery("old", "1/other"))).toBe("duplicate");
    expect(await store.record(createDelivery("other", "1/old"))).toBe("duplicate");
  });
});
