import { type Mutation, toMutations } from "./mutation.ts";

const gitTests = ["test/git/git-environment.test.ts"];
const refusedTests = ["test/workspace/refused-paths.test.ts"];
const collectTests = ["test/workspace/collect-changes.test.ts", "test/workspace/hostile-run.test.ts"];
const limitTests = ["test/workspace/ingest-limits.test.ts"];

/** What git on the host inherits and believes. */
const git = toMutations({ file: "src/git/git-environment.ts", tests: gitTests }, [
  ["git-system-config", "no configuration of the system", `    GIT_CONFIG_NOSYSTEM: "1",\n`, ""],
  [
    "git-global-config",
    "no configuration of a user",
    `    HOME: "/nonexistent",\n`,
    `    HOME: process.env["HOME"] ?? "",\n`,
  ],
  ["git-prompt", "nothing is asked", `    GIT_TERMINAL_PROMPT: "0",\n`, ""],
  ["git-lazy-fetch", "nothing is fetched by itself", `    GIT_NO_LAZY_FETCH: "1",\n`, ""],
  ["git-replace", "no object stands for another", `    GIT_NO_REPLACE_OBJECTS: "1",\n`, ""],
  [
    "git-environment",
    "nothing of our environment is inherited",
    "  return {\n    // Where",
    "  return {\n    ...(process.env as Record<string, string>),\n    // Where",
  ],
  ["git-hooks", "no hook runs", `    "core.hooksPath=/dev/null",\n`, ""],
  ["git-fsmonitor", "no monitor runs", `    "core.fsmonitor=false",\n`, ""],
  ["git-credential-helper", "no helper is asked", `    "credential.helper=",\n`, ""],
  ["git-attributes", "no attributes of the machine", `    "core.attributesFile=/dev/null",\n`, ""],
  ["git-hfs", "names of HFS+ are refused", `    "core.protectHFS=true",\n`, ""],
  ["git-ntfs", "names of NTFS are refused", `    "core.protectNTFS=true",\n`, ""],
  ["git-fsck", "what is fetched is checked", `    "fetch.fsckObjects=true",\n`, ""],
  ["git-redirects", "no redirect is followed", `    "http.followRedirects=false",\n`, ""],
  ["git-url-credentials", "no credentials in a URL", `    "transfer.credentialsInUrl=die",\n`, ""],
  ["git-protocols", "only the wanted protocol", `    "protocol.allow=never",\n`, ""],
  [
    "git-protocols-environment",
    "only the wanted protocol, whatever a file says",
    `    GIT_ALLOW_PROTOCOL: toProtocols(options).join(":"),\n`,
    "",
  ],
  [
    "git-credential-origin",
    "a credential goes to its origin only",
    "`http.${origin}/.extraHeader`",
    "`http.extraHeader`",
  ],
]);

/** What a stopped container left is a stranger's. */
const ingest = [
  ...toMutations({ file: "src/workspace/read-tree-file.ts", tests: ["test/workspace/read-tree-file.test.ts"] }, [
    ["ingest-nofollow", "no link is followed", " | constants.O_NOFOLLOW", ""],
    ["ingest-nonblock", "no pipe holds us up", " | constants.O_NONBLOCK", ""],
    ["ingest-same-file", "what is read is what was looked at", " || opened.ino !== found.ino", ""],
    ["ingest-same-size", "its size is what was looked at", " || opened.size !== found.size", ""],
  ]),
  ...toMutations({ file: "src/workspace/walk-tree.ts", tests: refusedTests }, [
    [
      "ingest-names",
      "git's own names are refused",
      "return checkName(entry.name) ?? checkLength(path, walk);",
      "return checkLength(path, walk);",
    ],
    [
      "ingest-path-length",
      "a path has a length",
      "return checkName(entry.name) ?? checkLength(path, walk);",
      "return checkName(entry.name);",
    ],
    [
      "ingest-special",
      "pipes, sockets and devices are refused",
      "if (found.isFile() || found.isSymbolicLink()) return null;",
      "if (!found.isDirectory()) return null;",
    ],
    [
      "ingest-depth",
      "folders have a depth",
      "depth < walk.limits.depth ? level.folders",
      "depth < Infinity ? level.folders",
    ],
  ]),
  ...toMutations({ file: "src/workspace/walk-tree.ts", tests: collectTests }, [
    ["ingest-own-git", "the agent's .git is not looked into", ` || entry.name !== ".git"`, " || true"],
    [
      "ingest-submodule",
      "a submodule stays as it was",
      `else if (base?.mode === "160000") checkSubmodule`,
      `else if (base?.mode === "-") checkSubmodule`,
    ],
  ]),
  ...toMutations({ file: "src/workspace/walk-tree.ts", tests: limitTests }, [
    [
      "ingest-entries",
      "new names have a limit",
      "if (walk.entries > walkedEntries) throw",
      "if (walk.entries > Infinity) throw",
    ],
  ]),
  ...toMutations({ file: "src/workspace/plan-changes.ts", tests: refusedTests }, [
    ["ingest-links", "a link stays in the tree", " ?? checkLink(path, { target: toTreePath(target) })", ""],
    ["ingest-link-names", "no link in place of a file that git reads", "checkLinkName(name) ?? ", ""],
  ]),
  ...toMutations({ file: "src/workspace/plan-changes.ts", tests: limitTests }, [
    [
      "ingest-file-size",
      "a file has a size",
      "file.found.size > options.limits.fileBytes",
      "file.found.size > Infinity",
    ],
    [
      "ingest-total-size",
      "all files have a size",
      "if (planning.bytes > totalBytes) {",
      "if (planning.bytes > Infinity) {",
    ],
    [
      "ingest-changed",
      "changes have a number",
      "if (files.length + deleted.length > changedPaths) {",
      "if (files.length + deleted.length > Infinity) {",
    ],
  ]),
  ...toMutations({ file: "src/workspace/check-link.ts", tests: ["test/workspace/check-link.test.ts"] }, [
    ["link-absolute", "no absolute link", `if (target.startsWith("/") || `, "if ("],
    ["link-drive", "no link to a drive", ` || /^[A-Za-z]:|^\\\\/.test(target)`, ""],
    [
      "link-outside",
      "no link out of the tree",
      `if (folders.pop() === undefined) return "is a link that leaves the repository";`,
      "folders.pop();",
    ],
    ["link-git", "no link into .git", `if (checkName(part) !== null) return "is a link into git's own folder";`, ""],
  ]),
  ...toMutations({ file: "src/workspace/check-name.ts", tests: ["test/workspace/check-name.test.ts"] }, [
    ["name-short", "no short name of NTFS", String.raw` || /^git~\d+$/.test(part)`, ""],
    [
      "name-ignorable",
      "no letters that are not seen",
      String.raw`    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, "")` + "\n",
      "",
    ],
    ["name-case", "in any case", "    .toLowerCase()\n", ""],
    ["name-stream", "no stream of NTFS", `    .replace(/:.*$/s, "")\n`, ""],
    ["name-dots", "no dots at the end", `    .replace(/[. ]+$/, "")`, ""],
    [
      "name-backslash",
      "no folder of Windows",
      String.raw`toText(name).split("\\").map(toPlain)`,
      "[toText(name)].map(toPlain)",
    ],
  ]),
  ...toMutations({ file: "src/workspace/check-tree-size.ts", tests: ["test/workspace/check-tree-size.test.ts"] }, [
    ["tree-files", "a commit's files have a limit", "files > limits.files || ", ""],
    ["tree-list", "their names have a limit", " || listBytes > limits.listBytes", ""],
  ]),
  ...toMutations({ file: "src/workspace/ignore-rules.ts", tests: ["test/workspace/ignore-rules.test.ts"] }, [
    ["ignore-ponder", "a minute for all patterns", "ponderMs - ponderedMs", "ponderMs"],
  ]),
  ...toMutations({ file: "src/workspace/ingest-limits.ts", tests: limitTests }, [
    ["limit-file", "10 MiB for a file", "fileBytes: 10 * MIB", "fileBytes: 1000 * MIB"],
    ["limit-total", "50 MiB in all", "totalBytes: 50 * MIB", "totalBytes: 5000 * MIB"],
    ["limit-paths", "10,000 files", "changedPaths: 10_000", "changedPaths: 10_000_000"],
    ["limit-entries", "500,000 names", "walkedEntries: 500_000", "walkedEntries: 500_000_000"],
    ["limit-path-bytes", "4,000 bytes of a path", "pathBytes: 4_000", "pathBytes: 40_000"],
    ["limit-depth", "100 folders deep", "depth: 100,", "depth: 100_000,"],
  ]),
];

export const hostMutations: Mutation[] = [...git, ...ingest];
