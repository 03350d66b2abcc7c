import { BlockList, isIPv6 } from "node:net";
import { WEBHOOK_PATH } from "../trigger/github/webhook-path.ts";

/** How GitHub's webhooks get here: to this server's public URL, or through a proxy that passes them on. */
export type WebhookAddress = { kind: "public"; publicUrl: string } | { kind: "proxy"; proxyUrl: string };

export type ParsedAddress = { kind: "address"; address: WebhookAddress } | { kind: "wrong"; problem: string };

/** The URL that the App's webhooks are sent to. */
export function toHookUrl(address: WebhookAddress): string {
  switch (address.kind) {
    case "public":
      return `${address.publicUrl}${WEBHOOK_PATH}`;
    case "proxy":
      return address.proxyUrl;
  }
}

/**
 * Reads the URL that others reach this server at, as somebody wrote it; also with the webhook path at its end. github.com
 * cannot reach a private address, a GitHub of one's own (`webUrl`) may.
 */
export function parsePublicUrl(text: string, { webUrl }: { webUrl: string }): ParsedAddress {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) return wrong("it must begin with https:// (or http://)");
  if (url.username !== "" || url.password !== "") return wrong("it must hold no user name and no password");
  if (url.search !== "" || url.hash !== "") return wrong("it must hold no ? and no #");
  if (webUrl === "https://github.com" && isPrivateHost(url.hostname))
    return wrong(`github.com cannot reach ${url.hostname}, which is an address of this machine or its network`);
  const path = url.pathname.replace(/\/+$/, "");
  const base = path.endsWith(WEBHOOK_PATH) ? path.slice(0, -WEBHOOK_PATH.length) : path;
  return { kind: "address", address: { kind: "public", publicUrl: `${url.origin}${base}` } };
}

function wrong(problem: string): ParsedAddress {
  return { kind: "wrong", problem };
}

/** Addresses that no server on the Internet can reach. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  PRIVATE.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  PRIVATE.addSubnet(network, prefix, "ipv6");

function isPrivateHost(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  if (/^[\d.]+$/.test(address) || isIPv6(address)) return PRIVATE.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  return !address.includes(".") || /\.(?:localhost|local|internal|test|example|invalid)\.?$/i.test(address);
}
