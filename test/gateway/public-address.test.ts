import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { isPublicAddress } from "../../src/gateway/public-address.ts";

test.each([
  "1.1.1.1",
  "140.82.112.3",
  "104.16.0.35",
  "172.15.0.1",
  "172.32.0.1",
  "2606:4700::6810:23",
  "2a04:4e42::223",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ["unspecified", "0.0.0.0"],
  ["this network", "0.1.2.3"],
  ["loopback", "127.0.0.1"],
  ["loopback", "127.255.255.254"],
  ["private", "10.0.0.1"],
  ["private", "172.16.0.1"],
  ["private", "172.31.255.255"],
  ["private", "192.168.1.1"],
  ["shared (CGNAT)", "100.64.0.1"],
  ["Alibaba's metadata", "100.100.100.200"],
  ["link-local", "169.254.1.1"],
  ["metadata", "169.254.169.254"],
  ["AWS's containers", "169.254.170.2"],
  ["Azure's WireServer", "168.63.129.16"],
  ["Oracle's metadata", "192.0.0.192"],
  ["documentation", "192.0.2.1"],
  ["documentation", "198.51.100.1"],
  ["documentation", "203.0.113.1"],
  ["6to4 relay", "192.88.99.1"],
  ["benchmarks", "198.18.0.1"],
  ["multicast", "224.0.0.1"],
  ["reserved", "240.0.0.1"],
  ["broadcast", "255.255.255.255"],
  ["unspecified", "::"],
  ["loopback", "::1"],
  ["mapped loopback", "::ffff:127.0.0.1"],
  ["mapped public", "::ffff:1.1.1.1"],
  ["mapped, in hexadecimal", "::ffff:7f00:1"],
  ["compatible", "::127.0.0.1"],
  ["translated", "::ffff:0:127.0.0.1"],
  ["NAT64", "64:ff9b::7f00:1"],
  ["NAT64, local", "64:ff9b:1::a00:1"],
  ["6to4", "2002:7f00:1::"],
  ["Teredo", "2001:0:4136:e378::"],
  ["documentation", "2001:db8::1"],
  ["documentation", "3fff::1"],
  ["benchmarks", "2001:2::1"],
  ["ORCHID", "2001:20::1"],
  ["unique local", "fd00::1"],
  ["AWS's metadata", "fd00:ec2::254"],
  ["link-local", "fe80::1"],
  ["link-local with a zone", "fe80::1%eth0"],
  ["public with a zone", "2606:4700::1%eth0"],
  ["site-local", "fec0::1"],
  ["multicast", "ff02::1"],
  ["discard", "100::1"],
  ["never given out", "4000::1"],
  ["segment routing", "5f00::1"],
  ["no address", "example.org"],
  ["octal", "0177.0.0.1"],
  ["one number", "2130706433"],
  ["short", "127.1"],
  ["nothing", ""],
])("%s: %s is not", (_, address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test("no address of this machine is", () => {
  const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  expect(own.map(({ address }) => isPublicAddress(address))).not.toContain(true);
  const listOwn = () => ["93.184.216.34", "2606:2800:21f:cb07::1", "fe80::1%eth0"];
  expect(isPublicAddress("93.184.216.34", { listOwn })).toBe(false);
  expect(isPublicAddress("2606:2800:021f:cb07:0::1", { listOwn })).toBe(false);
  expect(isPublicAddress("93.184.216.35", { listOwn })).toBe(true);
});
