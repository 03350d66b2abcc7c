import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { IDEMPOTENCY_META } from "../../src/trigger/mcp/mcp-server.ts";
import { connectOverStdio } from "../helpers/mcp-clients.ts";
import { DONE, openWorld, until } from "./world.ts";

const work: ModelScript = [
  { items: [{ kind: "shell", command: "echo work > work.txt; sleep 60" }] },
  { items: [{ kind: "say", text: `Worked.\n${DONE}` }] },
];

test("a run that another process executes is cancelled by the call that repeats its own, with its key", async () => {
  await using world = await openWorld({ script: work, server: "stopped" });
  const connect = () => connectOverStdio({ environment: world.environment, folder: join(world.runsPath, "..") });
  await using first = await connect();
  await using second = await connect();
  const meta = { [IDEMPOTENCY_META]: "key-1" };
  const args = { prompt: "Do the work", repo: world.github.repository };
  const begun = await first.call("codex_run", { ...args, wait: 0 }, { meta });
  const runId = String(begun.structuredContent?.["run_id"]);
  const told = { wait: false };
  const cancel = new AbortController();
  const again = second
    .call("codex_run", args, { meta, signal: cancel.signal, onProgress: () => (told.wait = true) })
    .catch(String);
  await until("the agent at work", async () =>
    told.wait && existsSync(join(world.runsPath, ".state", "work", runId, "ws", "work.txt")) ? true : undefined,
  );
  cancel.abort("the person pressed stop");
  expect(await again).toMatch(/pressed stop/);
  const ended = await first.call("codex_run_status", { run_id: runId, wait: 20 });
  expect(ended.structuredContent).toMatchObject({ run_id: runId, status: "cancelled" });
});
