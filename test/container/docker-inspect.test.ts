import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkProfile } from "../../src/container/check-profile.ts";
import { type ContainerSpec, toContainerSpec } from "../../src/container/container-spec.ts";
import { parseInspected } from "../../src/container/docker-inspect.ts";
import { RunError, type RunFailure } from "../../src/run/failure.ts";
import { RunId } from "../../src/run/id.ts";

type Part = "Config" | "HostConfig";
type Inspected = Record<Part, Record<string, unknown>> & { Mounts: Record<string, unknown>[]; State: object };

/** What Docker 20.10 says about a container that was made from `wanted`. */
const text = readFileSync(join(import.meta.dirname, "..", "fixtures", "docker-inspect.json"), "utf8");
const read = (): Inspected => JSON.parse(text);

const wanted = toContainerSpec({
  runId: RunId.parse("01980000-0000-7000-8000-000000000000"),
  attempt: 1,
  instanceId: "one",
  image: { id: "codex-runner:latest", variables: {}, declaredVolumes: [], partsVolume: null },
  argv: ["exec", "--json"],
  workspaceAccess: "read-only",
  owner: { uid: 10001, gid: 10001 },
  paths: { treePath: "/r/ws", inputPath: "/r/in", socketFolderPath: "/r/sock", sessionsPath: "/r/codex" },
  limits: { memoryBytes: 2 ** 30, cpus: 1.5, pids: 300 },
  runtime: "runc",
  homePath: null,
});

/** Where an engine tells of it, what it says when it is loosened, and the field of ours that must differ then. */
const loosened: [part: Part, name: string, value: unknown, field: keyof ContainerSpec][] = [
  ["Config", "Image", "other:latest", "image"],
  ["Config", "Entrypoint", ["/bin/sh"], "entrypoint"],
  ["Config", "Cmd", ["exec", "--dangerously"], "command"],
  ["Config", "User", "0:0", "user"],
  ["Config", "WorkingDir", "/", "workingDir"],
  ["Config", "Hostname", "host", "hostname"],
  ["Config", "Env", [], "env"],
  ["Config", "Labels", {}, "labels"],
  ["Config", "Tty", true, "terminal"],
  ["Config", "OpenStdin", true, "terminal"],
  ["Config", "StopSignal", "SIGWINCH", "stopSignal"],
  ["Config", "Healthcheck", { Test: ["CMD", "true"] }, "healthcheck"],
  ["HostConfig", "NetworkMode", "bridge", "network"],
  ["HostConfig", "PortBindings", { "80/tcp": [{ HostPort: "80" }] }, "publishedPorts"],
  ["HostConfig", "PublishAllPorts", true, "otherSettings"],
  ["HostConfig", "ReadonlyRootfs", false, "rootFilesystem"],
  ["HostConfig", "Tmpfs", { "/tmp": "rw" }, "tmpfs"],
  ["HostConfig", "Privileged", true, "privileges"],
  ["HostConfig", "CapDrop", ["NET_RAW"], "capDrop"],
  ["HostConfig", "CapAdd", ["CAP_SYS_ADMIN"], "capAdd"],
  ["HostConfig", "GroupAdd", ["docker"], "groupAdd"],
  ["HostConfig", "Devices", [{ PathOnHost: "/dev/kvm" }], "devices"],
  ["HostConfig", "DeviceRequests", [{ Count: -1 }], "otherSettings"],
  ["HostConfig", "DeviceCgroupRules", ["a *:* rwm"], "otherSettings"],
  ["HostConfig", "SecurityOpt", ["no-new-privileges:true", "seccomp=unconfined"], "securityOptions"],
  ["HostConfig", "MaskedPaths", [], "procProtection"],
  ["HostConfig", "ReadonlyPaths", null, "procProtection"],
  ["HostConfig", "PidMode", "host", "pidMode"],
  ["HostConfig", "IpcMode", "shareable", "ipcMode"],
  ["HostConfig", "UTSMode", "host", "utsMode"],
  ["HostConfig", "UsernsMode", "host", "userNamespace"],
  ["HostConfig", "CgroupnsMode", "host", "cgroupNamespace"],
  ["HostConfig", "CgroupnsMode", "", "cgroupNamespace"],
  ["HostConfig", "CgroupParent", "/system.slice", "otherSettings"],
  ["HostConfig", "Runtime", "nvidia", "runtime"],
  ["HostConfig", "Init", null, "firstProcess"],
  ["HostConfig", "Memory", 0, "memoryBytes"],
  ["HostConfig", "MemorySwap", -1, "memorySwapBytes"],
  ["HostConfig", "NanoCpus", 0, "nanoCpus"],
  ["HostConfig", "PidsLimit", null, "pidsLimit"],
  ["HostConfig", "ShmSize", 2 ** 40, "shmBytes"],
  ["HostConfig", "OomScoreAdj", -1000, "oomScoreAdj"],
  ["HostConfig", "OomKillDisable", true, "oomKiller"],
  ["HostConfig", "Ulimits", null, "ulimits"],
  ["HostConfig", "LogConfig", { Type: "json-file", Config: { "max-file": "2", "max-size": "10m" } }, "logDriver"],
  ["HostConfig", "LogConfig", { Type: "local", Config: {} }, "logOptions"],
  ["HostConfig", "RestartPolicy", { Name: "always" }, "restartPolicy"],
  ["HostConfig", "AutoRemove", true, "removal"],
  ["HostConfig", "Binds", ["/:/host"], "otherSettings"],
  ["HostConfig", "VolumesFrom", ["other"], "otherSettings"],
  ["HostConfig", "ExtraHosts", ["host:10.0.0.1"], "otherSettings"],
  ["HostConfig", "Sysctls", { "net.ipv4.ip_forward": "1" }, "otherSettings"],
];

/** Why a container of which the engine tells this is refused; null when it is not. */
function findRefusal(inspected: Inspected): RunFailure | null {
  const { profile } = parseInspected(inspected);
  try {
    checkProfile(wanted, { actual: profile });
    return null;
  } catch (error) {
    return error instanceof RunError ? error.failure : null;
  }
}

const toRefusal = (field: string) => ({
  reason: "container-refused",
  message: expect.stringContaining(`whose ${field} is `),
});

describe("what Docker tells of a container", () => {
  test("is the wanted profile when nothing was changed", () => {
    expect(() => checkProfile(wanted, { actual: parseInspected(read()).profile })).not.toThrow();
  });

  test.each(loosened)("%s.%s %j is refused by our own name of it: %s", (part, name, value, field) => {
    const inspected = read();
    inspected[part][name] = value;
    expect(findRefusal(inspected)).toMatchObject(toRefusal(field));
  });

  test.each([
    ["can be written to", { RW: true }],
    ["leads to another folder", { Source: "/" }],
    ["stands in another place", { Destination: "/etc" }],
    ["is a volume", { Type: "volume" }],
    ["is seen outside", { Propagation: "rshared" }],
    ["is seen in a way that we do not know", { Propagation: "new" }],
  ])("a mount that %s is refused", (_, change) => {
    const inspected = read();
    Object.assign(inspected.Mounts[0] ?? {}, change);
    expect(findRefusal(inspected)).toMatchObject(toRefusal("mounts"));
  });

  test("a mount more, as an image's volume is, is refused", () => {
    const inspected = read();
    inspected.Mounts.push({ Type: "volume", Source: "/var/lib/docker/v", Destination: "/data", RW: true });
    expect(findRefusal(inspected)).toMatchObject(toRefusal("mounts"));
  });

  test("a volume that was asked for by its name is one, read-only or not; one that was not asked for is none", () => {
    const inspected = read();
    const mount = {
      Type: "volume",
      Name: "parts",
      Driver: "local",
      Source: "/v/parts/_data",
      Destination: "/p",
      RW: false,
    };
    inspected.Mounts.push(mount);
    expect(findRefusal(inspected)).toMatchObject(toRefusal("mounts"));
    inspected.HostConfig["Mounts"] = [{ Type: "volume", Source: "parts", Target: "/p", ReadOnly: true }];
    expect(parseInspected(inspected).profile.volumes).toEqual([{ name: "parts", target: "/p", access: "read-only" }]);
    expect(findRefusal(inspected)).toMatchObject(toRefusal("volumes"));
    mount.RW = true;
    expect(parseInspected(inspected).profile.volumes).toEqual([{ name: "parts", target: "/p", access: "read-write" }]);
    inspected.HostConfig["Mounts"] = [{ Type: "volume", Source: "other", Target: "/p" }];
    expect(parseInspected(inspected).profile.volumes).toEqual([]);
  });

  test("a variable that was taken away is told apart from an empty one", () => {
    const inspected = read();
    inspected.Config["Env"] = ["GONE", "EMPTY="];
    expect(parseInspected(inspected).profile.env).toEqual({ GONE: null, EMPTY: "" });
  });

  test.each(["NetworkMode", "ReadonlyRootfs", "Privileged", "PidMode", "IpcMode", "Runtime", "LogConfig"])(
    "a document that does not tell HostConfig.%s is not read",
    (name) => {
      const inspected = read();
      delete inspected.HostConfig[name];
      expect(() => parseInspected(inspected)).toThrow(name);
    },
  );
});
