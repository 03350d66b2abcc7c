import type { MiddlewareHandler } from "hono";

/** Scripts and styles come from this server alone, and never stand in a page; nobody frames it, and forms stay here. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/** For files of a run: whatever they hold, a browser shows text. */
export const FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'";

/** The key in an address is told to no other site, and nothing of a run is kept by a cache. */
const guards = {
  "content-security-policy": PAGE_POLICY,
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-robots-tag": "noindex",
};

/** Gives every answer the headers that keep it from doing harm, unless it has its own. */
export const guardHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  for (const [name, value] of Object.entries(guards)) if (!headers.has(name)) headers.set(name, value);
};

/** The same headers for an answer that is not made by hono. */
export function addGuards(own: Record<string, string>): Record<string, string> {
  return { ...guards, ...own };
}
