import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, MiddlewareHandler } from "hono";

/** How many wrong tokens an address may send within a time, in milliseconds, before no more of its tokens are looked at. */
const MAX_WRONG = 10;
const WINDOW_MS = 60_000;
/** The most addresses that are told apart; all others count as one. */
const MAX_ADDRESSES = 10_000;

/**
 * Slows down who guesses DASHBOARD_TOKEN, by form or as a Bearer token: 429 until the time is over. Who has signed in, or a
 * link, is not held up. Addresses are those of connections: behind a proxy, all who try are one.
 */
export function limitTries({ clock = Date.now }: { clock?: () => number } = {}): MiddlewareHandler {
  let wrong = new Map<string, number>();
  let endsAt = 0;
  return async (context, next) => {
    if (!bringsToken(context)) return next();
    if (clock() >= endsAt) {
      wrong = new Map();
      endsAt = clock() + WINDOW_MS;
    }
    const address = toNetwork(getConnInfo(context).remote.address ?? "");
    const name = wrong.size < MAX_ADDRESSES || wrong.has(address) ? address : "others";
    const before = wrong.get(name) ?? 0;
    if (before >= MAX_WRONG) {
      const seconds = Math.ceil((endsAt - clock()) / 1000);
      context.header("retry-after", String(seconds));
      return context.json({ error: `too many wrong tokens from this address: try again in ${seconds} s` }, 429);
    }
    // Wrong until it is known to be right: of many at once no more are looked at than of many in turn.
    const counted = wrong.set(name, before + 1);
    await next();
    if (context.res.status !== 401) counted.set(name, (counted.get(name) ?? 1) - 1);
  };
}

function bringsToken({ req }: Context): boolean {
  return req.path === "/runs/sign-in" || /^Bearer /i.test(req.header("authorization") ?? "");
}

/** The network that one customer has: in IPv6 its first 64 bits (RFC 6177). */
function toNetwork(address: string): string {
  return address.includes(".") ? address : address.split(":").slice(0, 4).join(":");
}
