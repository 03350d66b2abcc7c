import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { startServer } from "../../src/commands/serve.ts";
import { createRetentionWorld } from "../retention/retention-world.ts";

test("a server removes at its start what was kept for RETENTION_DAYS, and nothing younger", async () => {
  const { paths, addRun } = await createRetentionWorld();
  const [old, young] = [await addRun({ endedDaysAgo: 8 }), await addRun({ endedDaysAgo: 6 })];
  const environment = {
    ...{ RUNS_PATH: paths.runs, RETENTION_DAYS: "7", LOG_LEVEL: "silent", PORT: "0" },
    ...{ OPENAI_API_KEY: "sk-test-0123456789", MCP_AUTH_TOKEN: "token-of-a-test-0123456789-0123456789" },
    DOCKER_HOST: `unix://${join(paths.runs, "none.sock")}`,
  };
  await using server = await startServer(readConfig({ environment, folder: dirname(paths.runs) }));
  await expect.poll(() => existsSync(paths.runFolder(old.run_id)), { timeout: 20_000 }).toBe(false);
  expect(await server.product.store.find(old.run_id)).toBeNull();
  expect(await server.product.store.find(young.run_id)).not.toBeNull();
  expect(existsSync(paths.runFolder(young.run_id))).toBe(true);
});
