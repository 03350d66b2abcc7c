import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContainerSpec } from "../../src/container/container-spec.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { checkContainerProfile } from "../../src/doctor/check-container-profile.ts";
import { checkGateway } from "../../src/doctor/check-gateway.ts";
import { toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { createTestEngine, image } from "../container/container-fixture.ts";
import { consultDoctor, openDoctorWorld, secrets } from "./doctor-fixture.ts";

const engine = createTestEngine();
const config = { image, limits: { memoryBytes: 512 * 2 ** 20, cpus: 1, pids: 128, diskBytes: 2 ** 30 }, runtime: null };
const signal = new AbortController().signal;
let folder = "";
let paths: StatePaths;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
  paths = toStatePaths(join(folder, "runs"));
  for (const path of [paths.work, join(folder, "runs/.state/sock")]) mkdirSync(path, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The engine, with the container it is asked for changed on the way. */
function changeSpec(change: (spec: ContainerSpec) => ContainerSpec): ContainerEngine {
  return { ...engine, createContainer: (spec) => engine.createContainer(change(spec)) };
}

async function listLeft(): Promise<string[]> {
  const containers = await engine.listRunContainers({ instanceId: paths.instance });
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return [...containers.map(({ id }) => id), ...files.map(({ name }) => name), ...readdirSync(paths.work)];
}

describe("on a machine where all is well", () => {
  test("every check passes, the exit code is 0, no secret is shown, nothing is left behind", async () => {
    await using world = await openDoctorWorld();
    // A socket's path has 107 bytes at most: the gateway's then lies elsewhere. The engine refuses more CPUs than there are.
    const changes = { RUNS_PATH: `${"long/".repeat(30)}runs`, RUN_CPUS: "1000" };
    const { code, out, err } = await consultDoctor(world.configure(changes), { json: true });
    const { ok, checks } = JSON.parse(out);
    expect(checks.filter((check: { ok: boolean }) => !check.ok)).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    for (const secret of Object.values(secrets)) expect(out + err).not.toContain(secret);
    expect(world.listLeftFiles()).toEqual([]);
    expect([...world.services.tokens]).toEqual([]);
    const { instance } = toStatePaths(join(world.folder, changes.RUNS_PATH));
    expect(await engine.listRunContainers({ instanceId: instance })).toEqual([]);
  });

  test("it does not disturb the state folders of a server that has been started there before", async () => {
    await using world = await openDoctorWorld();
    for (const name of ["mirrors", "work", "sock"])
      mkdirSync(join(world.folder, "runs/.state", name), { recursive: true });
    const before = world.listLeftFiles();
    await consultDoctor(world.configure());
    expect(world.listLeftFiles()).toEqual(before);
  });
});

describe("the container profile", () => {
  test("passes with the version of the Codex that started, and leaves nothing", async () => {
    const finding = await checkContainerProfile(engine, { config, paths, signal });
    expect(finding).toMatchObject({
      verdict: "passed",
      detail: expect.stringContaining("Codex 0.169.0 started in it"),
    });
    expect(await listLeft()).toEqual([]);
  });

  test.each([
    ["network", { network: "bridge" }],
    ["command", { command: ["--help"] }],
    ["capDrop", { capDrop: [] }],
  ])("is refused when the engine makes a container of another %s than was wanted", async (field, changes) => {
    const loose = changeSpec((spec) => ({ ...spec, ...changes }));
    await expect(checkContainerProfile(loose, { config, paths, signal })).rejects.toThrow(field);
    expect(await listLeft()).toEqual([]);
  });

  test("is given up when the time is over, and leaves nothing", async () => {
    const finding = await checkContainerProfile(engine, { config, paths, signal: AbortSignal.abort() });
    expect(finding).toMatchObject({ verdict: "failed", detail: expect.stringContaining("not over in time") });
    expect(await listLeft()).toEqual([]);
  });
});

describe("the gateway", () => {
  test("passes when Codex in a container reached the stand-in model, and leaves nothing", async () => {
    const finding = await checkGateway(engine, { config, paths, signal });
    expect(finding).toMatchObject({ verdict: "passed", detail: expect.stringContaining("through it") });
    expect(await listLeft()).toEqual([]);
  });

  test("fails when the container cannot reach its socket", async () => {
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    const cut: ContainerEngine = {
      ...engine,
      createContainer: (spec) => engine.createContainer(moveSocket(spec, { to: elsewhere })),
      inspectContainer: async (id) => {
        const view = await engine.inspectContainer(id);
        return view === null
          ? null
          : { ...view, profile: moveSocket(view.profile, { to: paths.socketFolder(readRunId(view.profile)) }) };
      },
    };
    const finding = await checkGateway(cut, { config, paths, signal, timeoutMs: 3_000 });
    expect(finding).toMatchObject({
      verdict: "failed",
      detail: expect.stringContaining("nothing of the container reached"),
    });
    rmSync(elsewhere, { recursive: true });
    expect(await listLeft()).toEqual([]);
  });
});

function moveSocket(spec: ContainerSpec, { to }: { to: string }): ContainerSpec {
  const mounts = spec.mounts.map((mount) => (mount.target === "/run/model" ? { ...mount, source: to } : mount));
  return { ...spec, mounts };
}

function readRunId({ labels }: ContainerSpec): Parameters<StatePaths["socketFolder"]>[0] {
  return labels["codex-orchestrator.run"] as Parameters<StatePaths["socketFolder"]>[0];
}
