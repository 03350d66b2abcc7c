import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createBudgetLedger } from "../../src/budget/budget-ledger.ts";
import { openGateway } from "../../src/gateway/gateway.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createRunId } from "../../src/run/id.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createBudgetRecord } from "../../src/store/spending.ts";

/** A run's gateway in a process of its own, whose tokens go to this database. Resolves with what kills it. */
export async function startSpendingProcess(options: {
  socketPath: string;
  upstreamUrl: string;
  databasePath: string;
}): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const closed = once(child, "close");
  return async () => {
    child.kill("SIGKILL");
    await closed;
  };
}

const [program, options] = process.argv.slice(1);
if (program === fileURLToPath(import.meta.url) && options !== undefined) {
  const { socketPath, upstreamUrl, databasePath } = JSON.parse(options);
  const record = createBudgetRecord(await openDatabase({ kind: "sqlite", path: databasePath }));
  const log = createLogger({ level: "silent", mask: createMask() });
  const ledger = createBudgetLedger({ record, budgets: { day: 1000, repository: null, person: null }, log });
  const shared = ledger.of({ runId: createRunId(), line: "octo-org/hello", person: null });
  await openGateway({ socketPath, upstreamUrl, shared, authorization: async () => ({}) });
  process.stdout.write("ready\n");
}
