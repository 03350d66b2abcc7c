import { sql } from "kysely";
import { expect, test } from "vitest";
import type { RunId } from "../../src/run/id.ts";
import type { RunRequest } from "../../src/run/request.ts";
import { createOldRuns } from "../../src/store/old-runs.ts";
import { createResult } from "../helpers/results.ts";
import { describeBoth, type Lab } from "./lab.ts";

const MOMENT = new Date("2026-03-01T00:00:00.000Z");

/** Ends the run that is next in line, as if that had been at `at`. */
async function end(lab: Lab, { run_id: runId }: RunRequest, at: string): Promise<void> {
  const claimed = await lab.claims().claim(runId);
  if (claimed === null) throw new Error("it cannot be taken");
  await claimed.writer.finish(createResult(claimed.request));
  await claimed.writer.close();
  await sql`UPDATE runs SET closed_at = ${at} WHERE run_id = ${runId}`.execute(lab.database.kysely);
}

const resume = (runId: RunId) => ({
  run_id: runId,
  thread_id: "0193aaaa-0000-7000-8000-000000000000",
  changes: "none" as const,
  base_ref: null,
  base_sha: null,
});

describeBoth("runs that ended before a moment", (lab) => {
  test("are forgotten, those excepted that go on, are open still, or ended since", async () => {
    const [old, fresh, waiting, going] = [await lab().add(), await lab().add(), await lab().add(), await lab().add()];
    await end(lab(), old, "2026-02-28T23:59:59.999Z");
    await end(lab(), fresh, MOMENT.toISOString());
    await lab().claims().claim(going.run_id);
    const runs = createOldRuns(lab().database);
    expect(await runs.list(MOMENT)).toEqual([
      {
        runId: old.run_id,
        repo: "octo-org/hello",
        status: "done",
        endedAt: "2026-02-28T23:59:59.999Z",
        storedBytes: 0,
      },
    ]);
    expect((await runs.removeSome(MOMENT)).map(({ runId }) => runId)).toEqual([old.run_id]);
    expect(await runs.removeSome(MOMENT)).toEqual([]);
    const all = [old, fresh, waiting, going].map(({ run_id: runId }) => runId);
    expect(await runs.findKnown(all)).toEqual(new Set(all.slice(1)));
  });

  test("stay while their thread has a younger run, or one that is open", async () => {
    const [one, two] = [await lab().add({ thread: 7 }), await lab().add({ thread: 7 })];
    const elsewhere = await lab().add({ thread: 8 });
    await end(lab(), one, "2026-01-01T00:00:00.000Z");
    await end(lab(), elsewhere, "2026-01-01T00:00:00.000Z");
    const runs = createOldRuns(lab().database);
    const names = async () => (await runs.list(MOMENT)).map(({ runId }) => runId);
    expect(await names()).toEqual([elsewhere.run_id]);
    await end(lab(), two, "2026-03-02T00:00:00.000Z");
    expect(await names()).toEqual([elsewhere.run_id]);
    await sql`UPDATE runs SET closed_at = '2026-02-01' WHERE run_id = ${two.run_id}`.execute(lab().database.kysely);
    expect(await names()).toEqual([one.run_id, elsewhere.run_id, two.run_id]);
  });

  test("stay while a run that goes on with their Codex thread is open or younger", async () => {
    const first = await lab().add();
    const reply = await lab().add({ resume: resume(first.run_id) });
    await end(lab(), first, "2026-01-01T00:00:00.000Z");
    const runs = createOldRuns(lab().database);
    expect(await runs.list(MOMENT)).toEqual([]);
    await end(lab(), reply, "2026-01-02T00:00:00.000Z");
    expect((await runs.removeSome(MOMENT)).map(({ runId }) => runId)).toEqual([first.run_id, reply.run_id]);
  });

  test("go fifty at a time, with the files that the database has of them and the requests that asked for them", async () => {
    const { database } = lab();
    const requests = await Promise.all(Array.from({ length: 130 }, () => lab().add()));
    await sql`UPDATE runs SET closed_at = '2026-01-01', place = 'leaving'`.execute(database.kysely);
    const stored = requests.slice(0, 2).map(({ run_id }) => ({ run_id, name: "log.txt", chunk: 0 }));
    for (const row of stored)
      await database.kysely
        .insertInto("run_files")
        .values({ ...row, bytes: Buffer.alloc(1000), created_at: "2026-01-01" })
        .execute();
    const asked = requests.map(({ run_id }) => ({ run_id, request: `request of ${run_id}` }));
    await database.kysely.insertInto("call_requests").values(asked).execute();
    const runs = createOldRuns(database);
    const sizes = (await runs.list(MOMENT)).map(({ storedBytes }) => storedBytes);
    expect(sizes.filter((bytes) => bytes > 0)).toEqual(lab().engine === "postgres" ? [1000, 1000] : []);
    const counts = [];
    for (;;) {
      const removed = await runs.removeSome(MOMENT);
      if (removed.length === 0) break;
      counts.push(removed.length);
    }
    expect(counts).toEqual([50, 50, 30]);
    expect(await database.kysely.selectFrom("run_files").selectAll().execute()).toEqual([]);
    expect(await database.kysely.selectFrom("call_requests").selectAll().execute()).toEqual([]);
  });

  test("a file that belongs to no run on record goes when it is old", async () => {
    const { database, engine } = lab();
    const { run_id: known } = await lab().add();
    const rows = [
      { run_id: known, created_at: "2026-01-01" },
      { run_id: "stray", created_at: "2026-01-01" },
      { run_id: "young", created_at: "2026-03-01T00:00:00.001Z" },
    ].map((row) => ({ ...row, name: "log.txt", chunk: 0, bytes: Buffer.from("x") }));
    await database.kysely.insertInto("run_files").values(rows).execute();
    await createOldRuns(database).removeStrayFiles(MOMENT);
    const left = await database.kysely.selectFrom("run_files").select("run_id").execute();
    const names = left.map(({ run_id: runId }) => runId).toSorted();
    expect(names).toEqual(engine === "postgres" ? [known, "young"].toSorted() : [known, "stray", "young"].toSorted());
  });
});
