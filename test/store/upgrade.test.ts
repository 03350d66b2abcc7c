import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { openDatabase, type Database, type DatabasePlace } from "../../src/store/database.ts";
import { createDeliveryStore } from "../../src/store/deliveries.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { createResult } from "../helpers/results.ts";
import { noLimits, self } from "./lab.ts";
import { engines, execute, makeOldDatabase, readSteps, toFixture, toOldRows, writeSteps } from "./old-database.ts";

let postgres: PostgresServer;
let folder = "";
beforeAll(async () => void (postgres = await startPostgres()));
afterAll(() => postgres[Symbol.asyncDispose]());
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "upgrade-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Takes the run that waits, and brings it to its end. */
async function executeNext(database: Database): Promise<string | undefined> {
  const claimed = await createClaimStore(database, { process: self }).claimNext({ scope: "all", limits: noLimits });
  await claimed?.writer.finish(createResult(claimed.request));
  await claimed?.writer.close();
  return claimed?.request.run_id;
}

describe.each(engines)("a database of an earlier version (%s)", (engine) => {
  const makePlace = async (): Promise<DatabasePlace> =>
    engine === "sqlite"
      ? { kind: "sqlite", path: join(folder, "orchestrator.db") }
      : { kind: "postgres", url: await postgres.createDatabase() };
  const steps = readSteps(engine);

  test("is made of steps that stay as they were released", async () => {
    await expect(await writeSteps(engine)).toMatchFileSnapshot(toFixture(engine).pathname);
  });

  test.each(steps.map(({ name }, index) => [name, index + 1] as const))(
    "whose last step was %s is brought up to date: its runs are shown, and what waits goes on",
    async (_name, count) => {
      const place = await makePlace();
      const [over, waiting] = [createRunId(), createRunId()];
      await makeOldDatabase(place, { steps: steps.slice(0, count) });
      await execute(place, toOldRows({ over, waiting }));
      const delivery = { deliveryId: "d-1", commentKey: "2/7", event: "issue_comment", payload: "{}" };
      const stored = "'d-1', '2/7', 'issue_comment', '{}', '2026-01-02', '2026-01-02', 'x'";
      const columns = "delivery_id, comment_key, event, payload, received_at, handled_at, taker";
      if (count >= 2) await execute(place, `INSERT INTO deliveries (${columns}) VALUES (${stored});`);

      await using database = await openDatabase(place);
      const runs = createRunStore(database);
      const listed = await runs.list({ limit: 10 });
      expect(listed.map(({ runId, state }) => [runId, state])).toEqual([
        [waiting, "queued"],
        [over, "done"],
      ]);
      expect((await runs.find(over))?.result).toMatchObject({ pull_request: { number: 43 } });
      expect((await runs.listThread({ repositoryId: 2, number: 42 })).length).toBe(2);
      const links = await database.kysely.selectFrom("runs").select("resumes").orderBy("seq").execute();
      // A process of that version does not know the column once it is there.
      const link = steps.slice(0, count).some(({ name }) => name === "008-retention") ? null : over;
      expect(links).toEqual([{ resumes: null }, { resumes: link }]);
      expect(await executeNext(database)).toBe(waiting);
      if (count < 2) return;
      expect(await createDeliveryStore(database, { process: self }).record(delivery)).toBe("duplicate");
    },
  );

  test("goes on in the hands of a process of that version beside one of this", async () => {
    const place = await makePlace();
    await using database = await openDatabase(place);
    const [over, waiting] = [createRunId(), createRunId()];
    await execute(place, toOldRows({ over, waiting }));
    expect(await executeNext(database)).toBe(waiting);
    const runs = createRunStore(database);
    expect((await runs.list({ limit: 10 })).map(({ state }) => state)).toEqual(["done", "done"]);
    expect((await runs.find(over))?.result?.commit).toBe("1".repeat(40));
  });
});
