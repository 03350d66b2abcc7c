import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ip from "ipaddr.js";

/** Ordinary by the registries, though it is a cloud's service for the machines in it (Azure's WireServer). */
const SPECIAL = new Set(["168.63.129.16"]);

export type PublicAddressOptions = {
  /** The addresses of this machine. Default: what the system says. */
  listOwn?: () => string[];
};

/**
 * Whether an address belongs to the public internet, and not to this machine, its network or a protocol. Loopback, private,
 * shared (CGNAT), link-local with the clouds' metadata services, multicast, reserved and documentation are refused; so is
 * IPv6 that stands for IPv4 (mapped, NAT64, 6to4, Teredo) or was never given out, and whatever is no address as written.
 */
export function isPublicAddress(address: string, { listOwn = listOwnAddresses }: PublicAddressOptions = {}): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ip.parse(address);
  if (parsed.range() !== "unicast" || SPECIAL.has(address)) return false;
  // Of IPv6, only 2000::/3 was given out.
  if (parsed.kind() === "ipv6" && ((parsed.toByteArray()[0] ?? 0) & 0xe0) !== 0x20) return false;
  return !isOwnAddress(address, { own: listOwn() });
}

/** A public address of this machine leads to its services from within, where no firewall of its network stands. */
function isOwnAddress(address: string, { own }: { own: string[] }): boolean {
  const wanted = ip.process(address).toNormalizedString();
  return own.some((found) => ip.process(found.replace(/%.*/, "")).toNormalizedString() === wanted);
}

function listOwnAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
}
