import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkProfile } from "../../src/container/check-profile.ts";
import type { ContainerSpec } from "../../src/container/container-spec.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { startContainer } from "../../src/container/start-container.ts";
import type { RunError } from "../../src/run/failure.ts";
import {
  createTestEngine,
  image,
  listLeftContainers,
  makeFolders,
  readAll,
  runScript,
  toTestSpec,
  toWishes,
} from "./container-fixture.ts";

const engine = createTestEngine();

afterEach(async () => {
  expect(await listLeftContainers(engine)).toEqual([]);
});

describe("the profile on a real engine", () => {
  test("the engine makes exactly what is wanted, and names it so that it is found again", async () => {
    await using folders = await makeFolders();
    const spec = toTestSpec(folders, { script: "exec sleep 100" });
    await using container = await startContainer(engine, { spec });
    const view = await engine.inspectContainer(container.id);
    const startedAt = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(view?.state).toEqual({
      ...{ status: "running", exitCode: 0, outOfMemory: false },
      ...{ startedAt, finishedAt: null },
    });
    if (view === null) throw new Error("the engine does not know the container");
    expect(() => checkProfile(spec, { actual: view.profile })).not.toThrow();
    expect(await engine.listRunContainers({ instanceId: "somebody else" })).toEqual([]);
    expect(await engine.listRunContainers({ instanceId: spec.labels["codex-orchestrator.instance"] ?? "" })).toEqual([
      { id: container.id, runId: folders.runId, attempt: 1, status: "running", createdAt: expect.any(Date) },
    ]);
  });

  test("a container's user is the one that was asked for, not the image's", async () => {
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, { script: "id -u; id -g" }), user: "12345:23456" };
    await using container = await startContainer(engine, { spec });
    const output = readAll(container.stdout);
    container.stderr.resume();
    await container.supervise(toWishes());
    expect(await output).toBe("12345\n23456\n");
  });

  test("what the engine made otherwise is refused by the field's name, never started, and removed", async () => {
    await using folders = await makeFolders();
    const loose = toLooseEngine({ network: "bridge" });
    await expect(startContainer(loose.engine, { spec: toTestSpec(folders, { script: "true" }) })).rejects.toMatchObject(
      {
        failure: { reason: "container-refused", message: expect.stringContaining("whose network is ") },
      },
    );
    expect(loose.started).toEqual([]);
    expect(await listLeftContainers(engine)).toEqual([]);
  });

  test("the kernel says the same from inside: no capabilities, no new privileges, seccomp, not root, limits", async () => {
    await using folders = await makeFolders();
    const script = [
      "grep -E '^(CapEff|CapBnd|CapPrm|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status",
      "id -u; cat /proc/1/comm; hostname; ulimit -n; ulimit -c; env | sort",
    ].join("; ");
    const { stdout } = await runScript(engine, { folders, script });
    expect(stdout).toMatch(/CapPrm:\s+0{16}\nCapEff:\s+0{16}\nCapBnd:\s+0{16}\nCapAmb:\s+0{16}/);
    expect(stdout).toMatch(/NoNewPrivs:\s+1\nSeccomp:\s+2/);
    const uid = process.getuid?.() === 0 ? 10001 : process.getuid?.();
    expect(stdout).toContain(`\n${uid}\ndocker-init\nrun\n4096\n0\n`);
    expect(stdout).toContain("CODEX_HOME=/codex\nHOME=/home/run\n");
    expect(stdout).not.toMatch(/KEY|TOKEN|SECRET/);
  });

  test("CT-015: nothing can be written but the workspace, Codex's home and scratch", async () => {
    await using folders = await makeFolders();
    const places = [
      "/",
      "/etc",
      "/usr",
      "/usr/local/bin",
      "/in",
      "/run/model",
      "/run",
      "/var/tmp",
      "/opt/codex-runner",
      "/proc/sys/kernel",
      "/sys",
    ];
    const script = [
      ...places.map((place) => `touch ${place}/x 2>/dev/null && echo WRITTEN ${place}`),
      "for place in /workspace /codex /tmp $HOME; do touch $place/x || echo REFUSED $place; done",
      "printf '#!/bin/sh\\necho ran' > /tmp/p; chmod +x /tmp/p; /tmp/p",
      "mknod /tmp/dev b 8 0 2>/dev/null && echo DEVICE; mount -t tmpfs x /tmp 2>/dev/null && echo MOUNT; true",
    ].join("\n");
    const { stdout, stderr } = await runScript(engine, { folders, script });
    expect([stdout, stderr]).toEqual(["ran\n", ""]);
    expect(existsSync(join(folders.paths.treePath, "x"))).toBe(true);
  });

  test("mode ask: the workspace is mounted read-only", async () => {
    await using folders = await makeFolders();
    const script = "touch /workspace/x";
    const { exit, stderr } = await runScript(engine, { folders, script, workspaceAccess: "read-only" });
    expect(exit).toMatchObject({ exitCode: 1 });
    expect(stderr).toMatch(/Read-only file system/);
  });

  test("CT-012: no name is resolved, and no address is reached: internet, metadata, bridge, host ports", async () => {
    await using folders = await makeFolders();
    const server = createServer().listen(0, "0.0.0.0");
    await once(server, "listening");
    const port = readPort(server);
    const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
    const targets = [...own, "1.1.1.1", "169.254.169.254", "172.17.0.1", "127.0.0.1", "::1", "fe80::1"];
    const script = `node -e '
      const net = require("node:net"), dns = require("node:dns/promises");
      const tried = (host, port) => new Promise((resolve) => {
        const socket = net.connect({ host, port, timeout: 1500 });
        socket.on("connect", () => resolve(host + " REACHED"));
        socket.on("timeout", () => resolve(host + " silent"));
        socket.on("error", (error) => resolve(host + " " + error.code));
      });
      const found = (name) => dns.lookup(name).then(() => name + " FOUND", (error) => name + " " + error.code);
      Promise.all([
        ...${JSON.stringify(targets)}.flatMap((host) => [tried(host, ${port}), tried(host, 22), tried(host, 443)]),
        found("example.com"), found("host.docker.internal"), found("metadata.google.internal"),
      ]).then((lines) => console.log(lines.join("\\n")));
    '; cat /proc/net/dev /proc/net/route`;
    try {
      const { stdout, stderr } = await runScript(engine, { folders, script });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/1\.1\.1\.1 ENETUNREACH/);
      expect(stdout).toMatch(/example\.com EAI_AGAIN|example\.com ENOTFOUND/);
      expect(stdout).not.toMatch(/REACHED|FOUND$|silent/m);
      expect(stdout).not.toMatch(/eth0|docker0/);
    } finally {
      server.close();
    }
  });
});

/** The real engine, which makes something else of what it is asked for. */
function toLooseEngine(change: Partial<ContainerSpec>): { engine: ContainerEngine; started: string[] } {
  const started: string[] = [];
  const loose: ContainerEngine = {
    ...engine,
    createContainer: (spec) => engine.createContainer({ ...spec, ...change }),
    startContainer: async (id) => {
      started.push(id);
      await engine.startContainer(id);
    },
  };
  return { engine: loose, started };
}

function readPort(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe("a container that cannot be started", () => {
  async function startAndFail(change: Partial<ReturnType<typeof toTestSpec>>): Promise<RunError["failure"]> {
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, { script: "true" }), ...change };
    return await startContainer(engine, { spec }).then(
      () => expect.fail("it started"),
      (error: RunError) => error.failure,
    );
  }

  test("IN-005: an image that is missing is named, and never fetched", async () => {
    const failure = await startAndFail({ image: "codex-runner:not-there" });
    expect(failure).toMatchObject({
      reason: "image-missing",
      message: expect.stringContaining("codex-runner:not-there"),
    });
  });

  test("a folder that is missing is refused and not made", async () => {
    const source = "/nowhere/at/all";
    const failure = await startAndFail({
      mounts: [{ source, target: "/in", access: "read-only", propagation: "rprivate" }],
    });
    expect(failure).toMatchObject({ reason: "container-refused", message: expect.stringContaining(source) });
    expect(existsSync(source)).toBe(false);
  });

  test("what the engine does not know is refused with its own words", async () => {
    const failure = await startAndFail({ runtime: "no-such-runtime" });
    expect(failure).toMatchObject({
      reason: "container-refused",
      message: expect.stringMatching(/unknown.*no-such-runtime/i),
    });
  });

  test("an engine that is away is said to be away", async () => {
    const { createDockerEngine } = await import("../../src/container/docker-engine.ts");
    const away = createDockerEngine({ endpoint: { kind: "socket", socketPath: "/nowhere/docker.sock" } });
    const refusal = { failure: { reason: "docker-unavailable" } };
    await expect(away.readEngineInfo()).rejects.toMatchObject(refusal);
    await expect(away.readImage(image)).rejects.toMatchObject(refusal);
    await expect(away.listRunContainers({ instanceId: "x" })).rejects.toMatchObject(refusal);
    await expect(away.removeContainer("x")).rejects.toMatchObject(refusal);
  });

  test.each([
    ["entry", "/usr/local/bin/missing", /missing/],
    ["program", "/etc/passwd", /denied/i],
  ])("CT-020: an image without the %s is unusable, in one clean line", async (_, entry, words) => {
    await using folders = await makeFolders();
    const spec = { ...toTestSpec(folders, { script: "" }), entrypoint: [entry], command: [] };
    const ending = startContainer(engine, { spec }).then(async (container) => {
      await using started = container;
      started.stdout.resume();
      started.stderr.resume();
      return await started.supervise(toWishes());
    });
    await expect(ending).rejects.toMatchObject({
      failure: { reason: "image-unusable", message: expect.stringMatching(words) },
    });
    await expect(ending).rejects.toMatchObject({ message: expect.not.stringMatching(/\n|\p{Cc}/u) });
  });

  test("CT-020: an image without Codex is unusable, in one clean line", async () => {
    await using folders = await makeFolders();
    const ending = runScript(engine, { folders, script: "exec codex-missing exec --json" });
    await expect(ending).rejects.toMatchObject({
      failure: { reason: "image-unusable", message: expect.stringContaining("codex-missing: not found") },
    });
  });
});

describe("what doctor asks", () => {
  test("the engine tells its version, runtimes and folder; the image its Codex", async () => {
    expect(await engine.readEngineInfo()).toMatchObject({
      version: expect.stringMatching(/^\d+\./),
      runtimes: expect.arrayContaining(["runc"]),
      rootFolder: expect.stringMatching(/^\//),
    });
    expect(await engine.readImage(image)).toMatchObject({ codexVersion: expect.stringMatching(/^0\.\d+\.\d+$/) });
    expect(await engine.readImage("codex-runner:not-there")).toBeNull();
  });
});
