import { cancelRun } from "../../orchestrator/cancel-run.ts";
import type { Product, Terminal } from "./product.ts";
import { UsageError } from "./product.ts";
import { toResultText } from "./run-command.ts";
import { findRecord } from "./find-record.ts";

export type CancelOptions = { id: string; flags: { json?: boolean | undefined }; terminal: Terminal };

/** Cancels a run wherever it is, and prints what became of it. */
export async function cancelFromTerminal(product: Product, { id, flags, terminal }: CancelOptions): Promise<void> {
  const { runId } = await findRecord(product, id);
  const { orchestrator, store, config } = product;
  const cancelled = await cancelRun(runId, {
    orchestrator,
    onAsked: (before) =>
      void terminal.err.write(before === "over" ? "The run was over already.\n" : "The run was told to end.\n"),
  });
  if (cancelled === null || cancelled.result === null) {
    const state = (await store.find(runId))?.state ?? "unknown";
    throw new UsageError(`The run ${id} was told to end, but is still ${state}.`);
  }
  const { result } = cancelled;
  terminal.out.write(flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : toResultText(result, config));
}
