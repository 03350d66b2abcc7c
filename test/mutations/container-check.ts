import { type Mutation, toMutations } from "./mutation.ts";

const own = "rw,exec,nosuid,nodev,size=268435456,mode=0700,uid=10001,gid=10001";
const scratch = "rw,exec,nosuid,nodev,size=268435456,mode=1777";
const tmpfsAsWanted = JSON.stringify({ "/codex": own, "/home/run": own, "/tmp": scratch });

/** What is asked for reaches the engine: a real one refuses to start what differs. */
const create = toMutations(
  { file: "src/container/docker-create-body.ts", tests: ["test/container/profile.docker.test.ts"] },
  [
    ["create-user", "the user reaches the engine", "    User: spec.user,\n", ""],
    ["create-entrypoint", "the entry reaches the engine", "    Entrypoint: spec.entrypoint,\n", ""],
    ["create-labels", "the labels reach the engine", "    Labels: spec.labels,\n", ""],
    ["create-network", "no network", "NetworkMode: spec.network,", `NetworkMode: "bridge",`],
    ["create-rootfs", "read-only root", `ReadonlyRootfs: spec.rootFilesystem === "read-only",`, ""],
    ["create-tmpfs", "options of memory file systems", "Tmpfs: spec.tmpfs,", `Tmpfs: { "/tmp": "rw" },`],
    ["create-privileged", "not privileged", `Privileged: spec.privileges === "privileged",`, "Privileged: true,"],
    ["create-cap-drop", "capabilities are dropped", "    CapDrop: spec.capDrop,\n", ""],
    ["create-cap-add", "no capability is added", "CapAdd: spec.capAdd,", `CapAdd: ["CHOWN"],`],
    ["create-group-add", "no group is added", "GroupAdd: spec.groupAdd,", `GroupAdd: ["0"],`],
    ["create-security", "no new privileges", "    SecurityOpt: spec.securityOptions,\n", ""],
    ["create-pid-mode", "own processes", "PidMode: spec.pidMode,", `PidMode: "host",`],
    ["create-ipc-mode", "own memory", "IpcMode: spec.ipcMode,", `IpcMode: "host",`],
    ["create-uts-mode", "own host name", "UTSMode: spec.utsMode,", `UTSMode: "host",`],
    ["create-cgroup", "own control groups", "CgroupnsMode: spec.cgroupNamespace,", `CgroupnsMode: "host",`],
    ["create-runtime", "the wanted runtime", "spec.runtime === null ? {} : { Runtime: spec.runtime }", "{}"],
    ["create-init", "a first process that reaps", `Init: spec.firstProcess === "init",`, ""],
    ["create-memory", "memory", "    Memory: spec.memoryBytes,\n    MemorySwap: spec.memorySwapBytes,\n", ""],
    ["create-swap", "no swap", "    MemorySwap: spec.memorySwapBytes,\n", ""],
    ["create-cpus", "processor time", "    NanoCpus: spec.nanoCpus,\n", ""],
    ["create-pids", "processes", "    PidsLimit: spec.pidsLimit,\n", ""],
    ["create-shm", "shared memory", "ShmSize: spec.shmBytes,", "ShmSize: 2 ** 31,"],
    ["create-oom-score", "killed before the host's own", "    OomScoreAdj: spec.oomScoreAdj,\n", ""],
    ["create-oom-killer", "may be killed", `OomKillDisable: spec.oomKiller === "off",`, "OomKillDisable: true,"],
    ["create-ulimits", "limits of a process", "    Ulimits: spec.ulimits.map(", "    Ulimits: [].map("],
    ["create-log", "caps of the log", "    LogConfig: { Type: spec.logDriver, Config: spec.logOptions },\n", ""],
    ["create-restart", "never restarted", "Name: spec.restartPolicy", `Name: "always"`],
    ["create-auto-remove", "removed by us", `AutoRemove: spec.removal === "automatic",`, "AutoRemove: true,"],
    ["create-read-only-mount", "read-only mounts", `    ReadOnly: mount.access === "read-only",\n`, ""],
  ],
);

/** What the engine made is read and compared, each field of it. */
const inspect = toMutations(
  { file: "src/container/docker-inspect.ts", tests: ["test/container/docker-inspect.test.ts"] },
  [
    ["inspect-network", "the network is read", "network: host.NetworkMode,", `network: "none",`],
    ["inspect-ports", "ports are read", "Object.keys(host.PortBindings ?? {})", "[]"],
    ["inspect-rootfs", "the root is read", `host.ReadonlyRootfs ? "read-only" : "read-write"`, `"read-only"`],
    ["inspect-tmpfs", "memory file systems are read", "tmpfs: host.Tmpfs,", `tmpfs: ${tmpfsAsWanted},`],
    ["inspect-privileged", "privileges are read", `host.Privileged ? "privileged" : "dropped"`, `"dropped"`],
    ["inspect-cap-drop", "dropped capabilities are read", "capDrop: host.CapDrop,", `capDrop: ["ALL"],`],
    ["inspect-cap-add", "added capabilities are read", "capAdd: host.CapAdd,", "capAdd: [],"],
    ["inspect-group-add", "groups are read", "groupAdd: host.GroupAdd,", "groupAdd: [],"],
    ["inspect-devices", "devices are read", "devices: host.Devices,", "devices: [],"],
    [
      "inspect-security",
      "security options are read",
      "securityOptions: host.SecurityOpt,",
      `securityOptions: ["no-new-privileges:true"],`,
    ],
    ["inspect-masked", "hidden parts of /proc are read", `host.MaskedPaths.includes("/proc/kcore") && `, ""],
    ["inspect-readonly-proc", "/proc/sys is read-only", ` && host.ReadonlyPaths.includes("/proc/sys")`, ""],
    ["inspect-pid", "the pid mode is read", "pidMode: host.PidMode,", `pidMode: "",`],
    ["inspect-ipc", "the IPC mode is read", "ipcMode: host.IpcMode,", `ipcMode: "private",`],
    ["inspect-uts", "the UTS mode is read", "utsMode: host.UTSMode,", `utsMode: "",`],
    ["inspect-userns", "the user namespace is read", "userNamespace: host.UsernsMode,", `userNamespace: "",`],
    ["inspect-cgroup", "the cgroup mode is read", "cgroupNamespace: host.CgroupnsMode,", `cgroupNamespace: "private",`],
    ["inspect-cgroup-unknown", "an unknown cgroup mode is the worst", `.catch("host")`, `.catch("private")`],
    ["inspect-runtime", "the runtime is read", "runtime: host.Runtime,", `runtime: "runc",`],
    ["inspect-init", "the first process is read", `host.Init ? "init" : "command"`, `"init"`],
    ["inspect-memory", "memory is read", "memoryBytes: host.Memory,", "memoryBytes: 2 ** 30,"],
    ["inspect-swap", "swap is read", "memorySwapBytes: host.MemorySwap,", "memorySwapBytes: 2 ** 30,"],
    ["inspect-cpus", "processor time is read", "nanoCpus: host.NanoCpus,", "nanoCpus: 1_500_000_000,"],
    ["inspect-pids", "the limit of processes is read", "pidsLimit: host.PidsLimit,", "pidsLimit: 300,"],
    ["inspect-shm", "shared memory is read", "shmBytes: host.ShmSize,", "shmBytes: 64 * 2 ** 20,"],
    ["inspect-oom-score", "the OOM score is read", "oomScoreAdj: host.OomScoreAdj,", "oomScoreAdj: 500,"],
    ["inspect-oom-killer", "the OOM killer is read", `host.OomKillDisable ? "off" : "on"`, `"on"`],
    ["inspect-log-driver", "the log driver is read", "logDriver: host.LogConfig.Type,", `logDriver: "local",`],
    [
      "inspect-log-options",
      "log caps are read",
      "logOptions: host.LogConfig.Config,",
      `logOptions: { "max-size": "10m", "max-file": "2" },`,
    ],
    [
      "inspect-restart",
      "the restart policy is read",
      "restartPolicy: host.RestartPolicy.Name,",
      `restartPolicy: "no",`,
    ],
    ["inspect-removal", "automatic removal is read", `host.AutoRemove ? "automatic" : "by-us"`, `"by-us"`],
    ["inspect-terminal", "a terminal is read", `config.Tty ? "tty" : `, ""],
    ["inspect-stdin", "an open stdin is read", `config.OpenStdin ? "stdin" : "none"`, `"none"`],
    ["inspect-mount-access", "access of a mount is read", `mount.RW ? "read-write" : "read-only"`, `"read-only"`],
    ["inspect-mount-type", "the kind of a mount is read", `mount.Type === "bind" ? `, `mount.Type !== "" ? `],
    ["inspect-propagation", "propagation is read", "propagation: mount.Propagation,", `propagation: "rprivate",`],
    ["inspect-propagation-unknown", "unknown propagation is the worst", `.catch("shared")`, `.catch("rprivate")`],
    ["inspect-others", "what nobody asked for is found", "otherSettings: toOtherSettings(host),", "otherSettings: [],"],
    [
      "inspect-others-objects",
      "lists and maps that nobody asked for are found",
      `return typeof value === "object" && value !== null && Object.keys(value).length === 0;`,
      `return typeof value === "object" && value !== null;`,
    ],
    ["inspect-user", "the user is read", "user: config.User,", `user: "10001:10001",`],
  ],
);

const check = toMutations({ file: "src/container/check-profile.ts", tests: ["test/container/check-profile.test.ts"] }, [
  ["check-refusal", "a difference is refused", "if (!isEqual) {", "if (!isEqual && field === null) {"],
  ["check-env-values", "variables are as wanted", "isDeepStrictEqual({ ...actual, ...wanted }, actual) && ", ""],
  ["check-env-secrets", "an image brings no secret", " && !added.some(isRefusedVariable)", ""],
  [
    "check-labels",
    "labels are as wanted",
    "isDeepStrictEqual({ ...actual.labels, ...wanted.labels }, actual.labels)",
    "true",
  ],
  [
    "check-mount-source",
    "a mount is of the wanted folder",
    "JSON.stringify([source, target,",
    "JSON.stringify([target,",
  ],
  ["check-mount-access", "a mount has the wanted access", "target, access, propagation ===", "target, propagation ==="],
  [
    "check-mount-propagation",
    "a mount is seen nowhere else",
    `propagation === "rslave" ? "rprivate" : propagation]`,
    `propagation === "" ? "" : "rprivate"]`,
  ],
  [
    "check-mounts-more",
    "there is no mount more",
    "return isDeepStrictEqual(wanted.map(toLine).toSorted(), actual.map(toLine).toSorted());",
    "return wanted.map(toLine).every((line) => actual.map(toLine).includes(line));",
  ],
  ["check-ulimits", "limits are as wanted", "`${name} ${soft} ${hard}`", "`${name} ${soft}`"],
  ["check-runtime", "the runtime is as wanted", " || wanted.runtime === actual.runtime", " || true"],
  [
    "check-env-shown",
    "values of variables are not shown",
    `field === "env" ? Object.keys(value ?? {}) : value`,
    "value",
  ],
]);

const start = toMutations(
  { file: "src/container/start-container.ts", tests: ["test/container/profile.docker.test.ts"] },
  [
    [
      "start-check",
      "nothing is started that differs from what was wanted",
      "    checkProfile(options.spec, { actual: created.profile });\n",
      "",
    ],
    [
      "start-cleanup",
      "what is refused is removed",
      "    await removePatiently(engine, { ...options, id });\n    throw",
      "    throw",
    ],
  ],
);

export const containerCheckMutations: Mutation[] = [...create, ...inspect, ...check, ...start];
