import { CancelledNotificationSchema, type JSONRPCMessage, type RequestId } from "@modelcontextprotocol/sdk/types.js";
import { cancelRun } from "../../orchestrator/cancel-run.ts";
import type { McpParts } from "./call-context.ts";
import { toCallEnd } from "./call-end.ts";
import { toRequestKey } from "./call-mark.ts";

/** What a client says when it does not want an answer any more. */
export type Cancellation = { requestId: RequestId; reason: unknown };

/** Reads `notifications/cancelled`; null for every other message. */
export function readCancellation(message: JSONRPCMessage): Cancellation | null {
  const parsed = CancelledNotificationSchema.safeParse(message);
  if (!parsed.success || parsed.data.params.requestId === undefined) return null;
  return { requestId: parsed.data.params.requestId, reason: parsed.data.params.reason };
}

/**
 * Cancels the run of a call that another server, or a process that is gone, was answering, also of one that found the run
 * rather than began it. Resolves when it is asked for; a client that only gave up waiting cancels nothing.
 */
export async function cancelElsewhere(
  { requestId, reason }: Cancellation,
  { session, parts }: { session: string; parts: McpParts },
): Promise<void> {
  if (toCallEnd(reason, { isClosed: false }) === "gone") return;
  const runId = await parts.store.findByRequest(toRequestKey({ session, requestId }));
  if (runId !== null) cancelRun(runId, parts).catch(parts.onError);
}
