import { expect, test } from "vitest";
import { toCommandSpec } from "../../src/container/command-spec.ts";
import { chooseOwner, toContainerSpec } from "../../src/container/container-spec.ts";
import { createRunId } from "../../src/run/id.ts";

const runId = createRunId();
const confined = {
  runId,
  attempt: 2,
  instanceId: "one",
  image: { id: "codex-runner:latest", variables: {}, declaredVolumes: [], partsVolume: null },
  owner: { uid: 10001, gid: 10002 },
  limits: { memoryBytes: 2 ** 30, cpus: 1.5, pids: 300 },
  runtime: "runsc",
  homePath: null,
};
const paths = { treePath: "/r/ws", inputPath: "/r/in", socketFolderPath: "/r/sock", sessionsPath: "/r/codex" };
const agent = { ...confined, argv: ["exec", "--json"], workspaceAccess: "read-only" as const, paths };

const own = "rw,exec,nosuid,nodev,size=268435456,mode=0700,uid=10001,gid=10002";
const propagation = "rprivate";

/** Written out, so that no change of it goes unseen. */
const profile = {
  image: "codex-runner:latest",
  user: "10001:10002",
  workingDir: "/workspace",
  hostname: "run",
  env: {
    HOME: "/home/run",
    CODEX_HOME: "/codex",
    LANG: "C.UTF-8",
    TINI_KILL_PROCESS_GROUP: "1",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/codex-runner/git",
  },
  labels: {
    "codex-orchestrator.run": runId,
    "codex-orchestrator.instance": "one",
    "codex-orchestrator.attempt": "2",
  },
  network: "none",
  publishedPorts: [],
  rootFilesystem: "read-only",
  volumes: [],
  tmpfs: { "/tmp": "rw,exec,nosuid,nodev,size=268435456,mode=1777", "/home/run": own, "/codex": own },
  privileges: "dropped",
  capDrop: ["ALL"],
  capAdd: [],
  groupAdd: [],
  devices: [],
  securityOptions: ["no-new-privileges:true"],
  procProtection: "default",
  pidMode: "",
  ipcMode: "private",
  utsMode: "",
  userNamespace: "",
  cgroupNamespace: "private",
  runtime: "runsc",
  firstProcess: "init",
  terminal: "none",
  stopSignal: "SIGTERM",
  healthcheck: "none",
  memoryBytes: 2 ** 30,
  memorySwapBytes: 2 ** 30,
  nanoCpus: 1_500_000_000,
  pidsLimit: 300,
  shmBytes: 67_108_864,
  oomScoreAdj: 500,
  oomKiller: "on",
  ulimits: [
    { name: "nofile", soft: 4096, hard: 4096 },
    { name: "fsize", soft: 2_147_483_648, hard: 2_147_483_648 },
    { name: "core", soft: 0, hard: 0 },
  ],
  logDriver: "local",
  logOptions: { "max-size": "10m", "max-file": "2" },
  restartPolicy: "no",
  removal: "by-us",
  otherSettings: [],
  overlays: [],
};

test("the agent's container has this profile, to the last field", () => {
  expect(toContainerSpec(agent)).toEqual({
    ...profile,
    name: `codex-run-${runId}-a2`,
    entrypoint: ["/opt/codex-runner/run-entry"],
    command: ["exec", "--json"],
    mounts: [
      { source: "/r/ws", target: "/workspace", access: "read-only", propagation },
      { source: "/r/in", target: "/in", access: "read-only", propagation },
      { source: "/r/sock", target: "/run/model", access: "read-only", propagation },
      { source: "/r/codex", target: "/codex/sessions", access: "read-write", propagation },
    ],
  });
});

test.each(["setup", "verify"] as const)(
  "the container of the commands of %s has no more than the agent's",
  (purpose) => {
    const mounts = [{ source: "/r/ws", target: "/workspace", access: "read-write" as const }];
    expect(toCommandSpec({ ...confined, purpose, argv: ["make"], variables: { NODE_ENV: "test" }, mounts })).toEqual({
      ...profile,
      name: `codex-${purpose}-${runId}-a2`,
      entrypoint: ["/bin/sh", "-c"],
      command: ["make"],
      env: { ...profile.env, CI: "true", NODE_ENV: "test" },
      mounts: [{ source: "/r/ws", target: "/workspace", access: "read-write", propagation }],
    });
  },
);

test("another image gets our parts as a volume, keeps its PATH, and loses what would redirect programs or may be secret", () => {
  const variables = {
    ...{
      PATH: "/usr/local/go/bin:/usr/bin",
      GOPATH: "/go",
      LD_PRELOAD: "/evil.so",
      BASH_ENV: "/evil",
      NODE_OPTIONS: "-r /evil",
    },
    ...{ GIT_EXEC_PATH: "/evil", CODEX_HOME: "/evil", HOME: "/root", NPM_TOKEN: "secret", https_proxy: "http://evil" },
  };
  const image = { id: "sha256:0123", variables, declaredVolumes: ["/var/lib/data"], partsVolume: "parts-1" };
  const spec = toContainerSpec({ ...agent, image });
  expect(spec.image).toBe("sha256:0123");
  expect(spec.env).toEqual({
    ...profile.env,
    PATH: "/usr/local/go/bin:/usr/bin:/opt/codex-runner/git",
    ...{
      LD_PRELOAD: null,
      BASH_ENV: null,
      NODE_OPTIONS: null,
      GIT_EXEC_PATH: null,
      NPM_TOKEN: null,
      https_proxy: null,
    },
  });
  expect(spec.volumes).toEqual([{ name: "parts-1", target: "/opt/codex-runner", access: "read-only" }]);
  expect(spec.tmpfs).toEqual({ ...profile.tmpfs, "/var/lib/data": own });
  expect(spec.mounts).toEqual(toContainerSpec(agent).mounts);
});

test("a home on disk takes the place of the one in memory", () => {
  const { mounts, tmpfs } = toContainerSpec({ ...agent, homePath: "/r/home" });
  expect(mounts.at(-1)).toEqual({ source: "/r/home", target: "/home/run", access: "read-write", propagation });
  expect(Object.keys(tmpfs)).toEqual(["/tmp", "/codex"]);
});

test("an overlay takes the place of the workspace, and of the home in memory", () => {
  const overlays = ["/workspace", "/home/run"].map((target) => ({ target, options: "o" }));
  const spec = toContainerSpec({ ...agent, overlays });
  expect(spec.overlays).toEqual(overlays);
  expect(spec.mounts.map(({ target }) => target)).toEqual(["/in", "/run/model", "/codex/sessions"]);
  expect(Object.keys(spec.tmpfs)).toEqual(["/tmp", "/codex"]);
});

test("a run is never root: who is root gives it a user of its own", () => {
  expect(chooseOwner({ uid: 0, gid: 0 })).toEqual({ uid: 10001, gid: 10001 });
  expect(chooseOwner({ uid: 0, gid: 5 })).toEqual({ uid: 10001, gid: 10001 });
  expect(chooseOwner({ uid: 1000, gid: 100 })).toEqual({ uid: 1000, gid: 100 });
});
