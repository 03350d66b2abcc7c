import { isIP } from "node:net";

/** What a request says about where it was sent to and from, and the socket's own address it arrived at. */
export type Asked = {
  host: string | undefined;
  origin: string | undefined;
  localAddress: string | undefined;
};

export type CheckOriginOptions = {
  /** Host names or addresses, besides loopback and PUBLIC_URL's, without ports; see `toAllowedHosts`. */
  allowedHosts: readonly string[];
  publicUrl: string | null;
};

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Whether a request may be answered, by its `Host` and `Origin`: no web page, on a name that was pointed here (DNS
 * rebinding) or on another site, can make a browser call this server. Without an `Origin` the caller is no web page.
 */
export function checkOrigin(asked: Asked, options: CheckOriginOptions): "allowed" | { refused: "host" | "origin" } {
  if (!isOwnHost(asked, options)) return { refused: "host" };
  return isOwnOrigin(asked, options) ? "allowed" : { refused: "origin" };
}

/** HOST as an allowed name; none when it stands for every address of the machine. */
export function toAllowedHosts(listenHost: string): string[] {
  const name = toHostName(listenHost);
  return name === null || name === "0.0.0.0" || name === "[::]" ? [] : [name];
}

function isOwnHost({ host, localAddress }: Asked, { allowedHosts, publicUrl }: CheckOriginOptions): boolean {
  const [, text] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host ?? "") ?? [];
  const name = text === undefined ? null : toHostName(text);
  if (name === null) return false;
  if (LOOPBACK.includes(name) || allowedHosts.includes(name)) return true;
  if (publicUrl !== null && new URL(publicUrl).hostname === name) return true;
  // An address needs no DNS that somebody could turn round; names never equal one.
  return localAddress !== undefined && toHostName(localAddress.replace(/^::ffff:(?=\d+\.)/i, "")) === name;
}

/** Pages of this machine may come over any port: behind a tunnel the server has another one for them than for itself. */
function isOwnOrigin({ origin }: Asked, { publicUrl }: CheckOriginOptions): boolean {
  if (origin === undefined) return true;
  if (publicUrl !== null && new URL(publicUrl).origin === origin) return true;
  const url = URL.canParse(origin) ? new URL(origin) : null;
  return url !== null && url.origin === origin && LOOPBACK.includes(url.hostname) && /^https?:$/.test(url.protocol);
}

/** A host name as URLs have it: in lower case, IPv6 in brackets and shortened; null when it is none. */
function toHostName(text: string): string | null {
  const url = `http://${isIP(text) === 6 ? `[${text}]` : text}`;
  return URL.canParse(url) ? new URL(url).hostname : null;
}
