import { setTimeout as sleep } from "node:timers/promises";
import type { Product, Terminal } from "./product.ts";
import { UsageError } from "./product.ts";
import { toResultText } from "./run-command.ts";
import { findRecord } from "./runs-commands.ts";

/** How long a server may take to end a run before the terminal ends it by itself, and at most in all, in milliseconds. */
const SERVER_WITHIN_MS = 3_000;
const CANCELLED_WITHIN_MS = 60_000;

export type CancelOptions = { id: string; flags: { json?: boolean | undefined }; terminal: Terminal };

/** Cancels a run wherever it is, and prints what became of it. When no process has it in hand it is ended here. */
export async function cancelRun(product: Product, { id, flags, terminal }: CancelOptions): Promise<void> {
  const { runId } = await findRecord(product, id);
  const { orchestrator, store, config } = product;
  const answer = await orchestrator.cancel(runId);
  if (answer === "over") terminal.err.write("The run was over already.\n");
  else terminal.err.write("The run was told to end.\n");

  const takeLater = async (): Promise<null> => {
    await sleep(SERVER_WITHIN_MS, undefined, { ref: false });
    await orchestrator.take(runId);
    return sleep(CANCELLED_WITHIN_MS, null, { ref: false });
  };
  const result = await Promise.race([orchestrator.settled(runId), takeLater()]);
  if (result === null) {
    const state = (await store.find(runId))?.state ?? "unknown";
    throw new UsageError(`The run ${id} was told to end, but is still ${state}.`);
  }
  terminal.out.write(flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : toResultText(result, config));
}
