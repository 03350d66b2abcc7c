import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSharedFiles } from "../../src/store/shared-files.ts";
import { createResult } from "../helpers/results.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";
import { watchLog } from "./watch-log.ts";

let postgres: PostgresServer;
let folder = "";
let world: PagesWorld;
beforeAll(async () => {
  postgres = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), "other-machine-"));
  world = await openPagesWorld({ DATABASE_URL: await postgres.createDatabase() });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("a run whose files are on another machine is seen from the database, while it goes and afterwards", async () => {
  const request = await world.addRun();
  const { run_id: runId } = request;
  const writer = await world.begin(request);
  const shared = createSharedFiles(world.database);
  const [log, patch] = ["log.txt", "changes.patch"].map((name) => ({ name, path: join(folder, name) }));
  if (log === undefined || patch === undefined) throw new Error("two files");
  writeFileSync(log.path, "one ✓\n");
  await shared.append(runId, log);

  await using live = await watchLog(`${world.url}/runs/${runId}/log`);
  await live.until(() => live.text() === "one ✓\n");
  appendFileSync(log.path, "two\n");
  await shared.append(runId, log);
  await live.until(() => live.text() === "one ✓\ntwo\n");
  writeFileSync(patch.path, "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-old\n+new\n");
  await shared.replace(runId, patch);
  await writer.finish(createResult(request));
  await live.until(() => live.events.at(-1)?.event === "end");

  const owner = { authorization: `Bearer ${TOKEN}` };
  const html = await (await world.get(`/runs/${runId}`, owner)).text();
  for (const words of ["one ✓", "two", "<ins>new</ins>"]) expect(html).toContain(words);
  expect(await (await world.get(`/runs/${runId}/log`, owner)).text()).toBe("one ✓\ntwo\n");
});
