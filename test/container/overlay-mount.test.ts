import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseInspected } from "../../src/container/docker-inspect.ts";
import { toOverlayOptions } from "../../src/container/overlay-mount.ts";

test("what is written goes above, in whole files; without anything above nothing can be written", () => {
  expect(toOverlayOptions({ lower: ["/a", "/b"], upper: { path: "/up", workPath: "/work" } })).toBe(
    "nosuid,nodev,lowerdir=/a:/b,upperdir=/up,workdir=/work,redirect_dir=off,metacopy=off,index=off",
  );
  expect(toOverlayOptions({ lower: ["/a", "/b"], upper: null })).toBe("nosuid,nodev,lowerdir=/a:/b,ro");
});

test.each(["/a,upperdir=/etc", "/a:/etc", "/a\\", "/a b", '/a"', "relative", `/${"a".repeat(4_000)}`])(
  "a folder whose name cannot stand among options is refused: %j",
  (path) => {
    expect(toOverlayOptions({ lower: [path, "/b"], upper: null })).toBeNull();
    expect(toOverlayOptions({ lower: ["/b"], upper: { path, workPath: "/w" } })).toBeNull();
    expect(toOverlayOptions({ lower: ["/b"], upper: { path: "/u", workPath: path } })).toBeNull();
  },
);

describe("what an engine says of a mount", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "fixtures", "docker-inspect.json"), "utf8");
  const mounted = { Type: "volume", Name: "0a1b", Source: "/v/0a1b", Destination: "/over", Driver: "local", RW: true };
  const options = { type: "overlay", device: "overlay", o: "lowerdir=/a:/b" };
  const read = (asked: object, { mount = {}, driver = {} }: { mount?: object; driver?: object } = {}) => {
    const document = JSON.parse(text);
    document.Mounts.push({ ...mounted, Propagation: "", ...mount });
    const config = { Name: "local", Options: options, ...driver };
    const all = document.HostConfig.Mounts ?? [];
    const own = { Type: "volume", Target: "/over", VolumeOptions: { DriverConfig: config }, ...asked };
    document.HostConfig.Mounts = [...all, own];
    const { overlays, mounts, volumes } = parseInspected(document).profile;
    return { overlays, others: [...mounts, ...volumes].filter(({ target }) => target === "/over") };
  };

  test("a volume without a name that is mounted as an overlay is one", () => {
    expect(read({})).toEqual({ overlays: [{ target: "/over", options: "lowerdir=/a:/b" }], others: [] });
  });

  test.each<[string, Parameters<typeof read>]>([
    ["one with a name, which may be another's", [{ Source: "0a1b" }]],
    ["one at another place", [{ Target: "/elsewhere" }]],
    ["another driver's", [{}, { mount: { Driver: "nfs" } }]],
    ["one that was asked of another driver", [{}, { driver: { Name: "nfs" } }]],
    ["another file system", [{}, { driver: { Options: { ...options, type: "none" } } }]],
    ["one with more options than we give", [{}, { driver: { Options: { ...options, size: "1g" } } }]],
    ["a folder of the engine's machine", [{}, { mount: { Type: "bind" } }]],
  ])("none is %s", (_, asked) => {
    const { overlays, others } = read(...asked);
    expect(overlays).toEqual([]);
    expect(others).toHaveLength(1);
  });
});
