import { createHash } from "node:crypto";
import type { CallMark } from "../../store/add-run.ts";
import type { CallContext } from "./call-context.ts";

/**
 * What makes two calls the same one. Within a session: the same request of the client, and the same arguments until their
 * run's end was told. Between sessions: the key that the client gave, for the same principal.
 */
export function toCallMark(
  args: Record<string, unknown>,
  {
    tool,
    session,
    requestId,
    idempotencyKey,
    principal,
  }: Pick<CallContext, "session" | "requestId" | "idempotencyKey" | "principal"> & { tool: string },
): { deliveryId: string; call: CallMark } {
  const asked = digest([tool, toOrdered(args)]);
  const request = toRequestKey({ session, requestId });
  const deliveryId = idempotencyKey === null ? request : `mcp:${digest([principal.name, "key", idempotencyKey])}`;
  return { deliveryId, call: { session: digest([principal.name, session]), args: asked, request } };
}

/** The mark of one request of a session, by which its run is found. */
export function toRequestKey({ session, requestId }: Pick<CallContext, "session" | "requestId">): string {
  return `mcp:${digest([session, requestId])}`;
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}

/** The same value with the keys of every object in one order. */
function toOrdered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toOrdered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([key, inner]) => [key, toOrdered(inner)]);
}
