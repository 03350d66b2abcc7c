import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/**
 * Ids of MCP sessions. Each is signed with its principal's key, so every server that knows his token knows it, nobody
 * else can use it, and no number of sessions takes memory. An id is no credential: each request carries its token.
 */
export type Sessions = {
  /** A new id, in visible ASCII: `<uuid>.<signature>`. */
  issue(sessionKey: Buffer): string;
  check(id: string, sessionKey: Buffer): "valid" | "unknown";
  /** Makes this server forget an id. */
  end(id: string): void;
};

/** Ended ids that are kept in mind; the one that ended first is dropped for the next. */
const MAX_ENDED = 10_000;
const SIGNATURE_BYTES = 16;

/** Makes the sessions of one server. Only what has ended is kept, in memory. */
export function createSessions(): Sessions {
  const ended = new Set<string>();
  return {
    issue: (sessionKey) => sign(randomUUID(), sessionKey),
    check(id, sessionKey) {
      const [, uuid] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[\w-]{22}$/.exec(id) ?? [];
      if (uuid === undefined || ended.has(id)) return "unknown";
      // The texts are compared, not their bytes: two texts of base64 may stand for the same bytes.
      return timingSafeEqual(Buffer.from(id), Buffer.from(sign(uuid, sessionKey))) ? "valid" : "unknown";
    },
    end(id) {
      ended.delete(id);
      ended.add(id);
      const [oldest] = ended;
      if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
    },
  };
}

function sign(uuid: string, sessionKey: Buffer): string {
  const mac = createHmac("sha256", sessionKey).update(`mcp-session:${uuid}`).digest();
  return `${uuid}.${mac.subarray(0, SIGNATURE_BYTES).toString("base64url")}`;
}
