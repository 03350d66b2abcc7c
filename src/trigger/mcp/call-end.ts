import type { CallEnd } from "./call-context.ts";

/**
 * Clients that give up waiting send the same notification as those whose person pressed a button; only its words differ
 * ("Request timed out" of the TypeScript SDK, "request timeout" of the Rust one). Giving up cancels nothing.
 */
export function toCallEnd(reason: unknown, { isClosed }: { isClosed: boolean }): CallEnd {
  return isClosed || /time[ds]?[\s_-]*out/i.test(String(reason)) ? "gone" : "cancelled";
}
