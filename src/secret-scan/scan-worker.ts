import { parentPort } from "node:worker_threads";
import { scanPatch } from "./scan-patch.ts";
import { ScanOrder, type ScanMessage } from "./secret-place.ts";

/**
 * The program of the thread in which a patch is looked through: what is in it is a stranger's, and some text may take a
 * pattern for ever. It says `ready` when it begins with one, and what it found when it has.
 */
function tell(message: ScanMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message);
}

parentPort?.once("message", async (value) => {
  const { patchPath } = ScanOrder.parse(value);
  tell({ kind: "ready" });
  tell({ kind: "found", places: await scanPatch(patchPath) });
});
