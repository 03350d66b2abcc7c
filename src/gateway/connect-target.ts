/** Why a tunnel was not opened: what is so, in a few words of ASCII, and what to do. */
export type TunnelRefusal = { status: 403 | 502 | 503; what: string; hint: string };

export type CheckedTarget =
  | { verdict: "allowed"; host: string }
  /** `host` is null when the target holds nothing that looks like a name. */
  | { verdict: "refused"; host: string | null; refusal: TunnelRefusal };

const TARGET = /^([a-z0-9._-]{1,253}?)\.?:(\d{1,5})$/i;

/**
 * Judges what stands behind CONNECT: exactly one of these names (in any case, with or without the root's dot) and port 443.
 * An address, a user, a path, an escape or a character outside ASCII is none of them.
 */
export function checkTarget(target: string, { hosts }: { hosts: readonly string[] }): CheckedTarget {
  const [, name, port] = TARGET.exec(target) ?? [];
  if (name === undefined)
    return toRefused(null, { what: "The target is no host and port", hint: "ask for <host>:443" });
  const host = name.toLowerCase();
  if (!hosts.includes(host)) {
    const hint = "add it to egress in .github/codex.yml on the default branch, or to EGRESS_ALLOW of the server";
    return toRefused(host, { what: `${host} is not in this repository's egress list`, hint });
  }
  if (port === "443") return { verdict: "allowed", host };
  return toRefused(host, { what: `${host} can be reached on port 443 only`, hint: "use https without a port" });
}

function toRefused(host: string | null, { what, hint }: { what: string; hint: string }): CheckedTarget {
  return { verdict: "refused", host, refusal: { status: 403, what, hint } };
}
