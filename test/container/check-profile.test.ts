import { describe, expect, test } from "vitest";
import { checkProfile } from "../../src/container/check-profile.ts";
import { type ContainerSpec, toContainerSpec } from "../../src/container/container-spec.ts";
import { createRunId } from "../../src/run/id.ts";

const partsVolume = "codex-runner-parts-0123456789ab-01234567";
const parts = { name: partsVolume, target: "/opt/codex-runner", access: "read-only" as const };
const wanted = toContainerSpec({
  runId: createRunId(),
  attempt: 1,
  instanceId: "one",
  image: { id: "sha256:01", variables: { LD_LIBRARY_PATH: "/lib" }, declaredVolumes: ["/data"], partsVolume },
  argv: ["exec", "--json"],
  workspaceAccess: "read-only",
  owner: { uid: 10001, gid: 10001 },
  paths: { treePath: "/r/ws", inputPath: "/r/in", socketFolderPath: "/r/sock", sessionsPath: "/r/codex" },
  limits: { memoryBytes: 2 ** 30, cpus: 1.5, pids: 300 },
  runtime: "runsc",
  homePath: null,
});

/** One way, at least, to loosen every field; a field that is missing here does not compile. */
const loosened: { [F in keyof ContainerSpec]: ContainerSpec[F][] } = {
  name: ["other"],
  image: ["other:latest"],
  entrypoint: [[], ["/bin/sh"]],
  command: [[], ["exec", "--json", "--trust"]],
  user: ["", "0:0", "10001"],
  workingDir: ["/"],
  hostname: [""],
  env: [
    {},
    { ...wanted.env, HOME: "/root" },
    { ...wanted.env, OPENAI_API_KEY: "sk-canary" },
    { ...wanted.env, HTTPS_PROXY: "http://proxy" },
    { ...wanted.env, LD_PRELOAD: "/workspace/x.so" },
    { ...wanted.env, BASH_ENV: "/evil" },
    { ...wanted.env, GIT_EXEC_PATH: "/evil" },
    { ...wanted.env, LD_LIBRARY_PATH: "/evil" },
  ],
  labels: [{}, { ...wanted.labels, "codex-orchestrator.run": "other" }],
  network: ["", "default", "bridge", "host"],
  publishedPorts: [["80/tcp"]],
  rootFilesystem: ["read-write"],
  mounts: [
    [],
    wanted.mounts.slice(1),
    [...wanted.mounts, { source: "/", target: "/host", access: "read-only", propagation: "rprivate" }],
    wanted.mounts.map((mount) => ({ ...mount, access: "read-write" as const })),
    wanted.mounts.map((mount) => ({ ...mount, propagation: "rshared" as const })),
    wanted.mounts.map((mount) => ({ ...mount, source: "/elsewhere" })),
  ],
  overlays: [[{ target: "/host", options: "lowerdir=/:/etc" }]],
  volumes: [
    [],
    [{ ...parts, access: "read-write" }],
    [{ ...parts, name: "other" }],
    [{ ...parts, target: "/opt" }],
    [parts, { ...parts, target: "/opt/other" }],
  ],
  tmpfs: [{}, { ...wanted.tmpfs, "/tmp": "rw" }, { ...wanted.tmpfs, "/etc": "rw" }],
  privileges: ["privileged"],
  capDrop: [[], ["NET_RAW"]],
  capAdd: [["SYS_ADMIN"]],
  groupAdd: [["docker"]],
  devices: [['{"PathOnHost":"/dev/kvm"}']],
  securityOptions: [[], ["no-new-privileges:false"], [...wanted.securityOptions, "seccomp=unconfined"]],
  procProtection: ["loosened"],
  pidMode: ["host"],
  ipcMode: ["", "host", "shareable"],
  utsMode: ["host"],
  userNamespace: ["host"],
  cgroupNamespace: ["host"],
  runtime: ["runc", null],
  firstProcess: ["command"],
  terminal: ["tty", "stdin"],
  stopSignal: ["SIGQUIT"],
  healthcheck: ["some"],
  memoryBytes: [0, 2 ** 31],
  memorySwapBytes: [0, -1, 2 ** 31],
  nanoCpus: [0, 4e9],
  pidsLimit: [0, -1, 4096],
  shmBytes: [2 ** 33],
  oomScoreAdj: [-1000],
  oomKiller: ["off"],
  ulimits: [[], wanted.ulimits.slice(1), wanted.ulimits.map((limit) => ({ ...limit, hard: -1 }))],
  logDriver: ["json-file", ""],
  logOptions: [{}, { "max-size": "10m" }],
  restartPolicy: ["always", ""],
  removal: ["automatic"],
  otherSettings: [["DeviceCgroupRules"]],
};

describe("the profile check", () => {
  test("what was wanted passes", () => {
    expect(() => checkProfile(wanted, { actual: structuredClone(wanted) })).not.toThrow();
  });

  test.each(Object.entries(loosened).flatMap(([field, values]) => values.map((value) => [field, value] as const)))(
    "a container whose %s is %j is refused, by that name",
    (field, value) => {
      const actual: ContainerSpec = { ...structuredClone(wanted), [field]: value };
      expect(() => checkProfile(wanted, { actual })).toThrow(
        expect.objectContaining({
          message: expect.stringContaining(`whose ${field} is `),
          failure: expect.objectContaining({ reason: "container-refused" }),
        }),
      );
    },
  );

  test("an image may bring variables, labels and another order", () => {
    const actual = structuredClone(wanted);
    actual.env["NODE_VERSION"] = "24.0.0";
    actual.labels["maintainer"] = "somebody";
    actual.mounts.reverse();
    actual.ulimits.reverse();
    expect(() => checkProfile(wanted, { actual })).not.toThrow();
  });

  test("any runtime is taken where none was asked for", () => {
    const unasked = { ...wanted, runtime: null };
    expect(() => checkProfile(unasked, { actual: { ...wanted, runtime: "runc" } })).not.toThrow();
  });

  test("the value of a variable that the image brings is never shown", () => {
    const actual = { ...wanted, env: { ...wanted.env, OPENAI_API_KEY: "sk-canary" } };
    expect(() => checkProfile(wanted, { actual })).toThrow(/OPENAI_API_KEY/);
    expect(() => checkProfile(wanted, { actual })).not.toThrow(/sk-canary/);
  });
});
