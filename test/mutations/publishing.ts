import { type Mutation, toMutations } from "./mutation.ts";

const protectedTests = ["test/publish/names.test.ts"];

/** What may be pushed, from where, and with which image. */
export const publishingMutations: Mutation[] = [
  ...toMutations({ file: "src/publish/protected.ts", tests: protectedTests }, [
    ["protected-github", "automation is held", `  ".github/**",\n`, ""],
    ["protected-owners", "ownership is held", `  "**/CODEOWNERS",\n`, ""],
    ["protected-agents", "instructions are held", `  "**/{AGENTS,AGENTS.override,CLAUDE,GEMINI}.md",\n`, ""],
    ["protected-agent-folders", "folders of agents are held", `  "**/.{codex,claude,cursor,gemini}/**",\n`, ""],
    ["protected-cursor", "rules of editors are held", `  "**/.cursorrules",\n`, ""],
    ["protected-devcontainer", "development containers are held", `  "**/.devcontainer/**",\n`, ""],
    ["protected-devcontainer-file", "their file is held", `  "**/.devcontainer.json",\n`, ""],
    ["protected-vscode", "tasks of editors are held", `  "**/.vscode/**",\n`, ""],
    ["protected-idea", "tasks of other editors are held", `  "**/.idea/**",\n`, ""],
    ["protected-workspace", "workspaces of editors are held", `  "**/*.code-workspace",\n`, ""],
    ["protected-submodules", "submodules are held", `  ".gitmodules",\n`, ""],
    ["protected-case", "in any case", "nocase: true", "nocase: false"],
    ["protected-dot", "hidden folders too", "dot: true", "dot: false"],
    ["protected-more", "the repository's own globs", "isProtected(path) || isOwn(path)", "isProtected(path)"],
  ]),
  ...toMutations({ file: "src/orchestrator/publish-run.ts", tests: ["test/orchestrator/publish-run.test.ts"] }, [
    [
      "publish-secret",
      "no secret is published",
      "if (secret !== null) throw new RunError",
      "if (secret === undefined) throw new RunError",
    ],
    ["publish-problem", "only what may be published", "if (problem !== null) throw problem;", ""],
  ]),
  ...toMutations(
    { file: "src/publish/push.ts", tests: ["test/publish/git-push.test.ts", "test/publish/push.test.ts"] },
    [["push-force", "never by force", `"--atomic", ...lease`, `"--atomic", "--force", ...lease`]],
  ),
  ...toMutations({ file: "src/repo-settings/allowed-image.ts", tests: ["test/repo-settings/allowed-image.test.ts"] }, [
    ["image-allowed", "only allowed images", "image === standard || matches(image)", "true"],
    [
      "image-list",
      "without a list only the standard image",
      "globs === null || globs.length === 0 ? () => false",
      "globs === null || globs.length === 0 ? () => true",
    ],
    [
      "image-run",
      "looked at again at the run's start",
      "if (image === null || isImageAllowed(image)) return;",
      "if (image !== undefined) return;",
    ],
  ]),
  ...toMutations({ file: "src/publish/allowed.ts", tests: protectedTests }, [
    [
      "repository-allowed",
      "only allowed repositories",
      `repository.kind === "local" || matches(toRepositoryName(repository))`,
      "matches !== null",
    ],
  ]),
  ...toMutations({ file: "src/trigger/github/follow-up.ts", tests: ["test/trigger/github/follow-up.test.ts"] }, [
    [
      "fork-refused",
      "no push to a fork",
      `if (about.pull.head === "fork") return { kind: "run", run: toForkRun(about, pull) };`,
      "",
    ],
    [
      "fork-write",
      "no writing run for a fork",
      `if (mode !== "ask" && isFromFork(pull))`,
      `if (mode === null && isFromFork(pull))`,
    ],
    [
      "fork-id",
      "a fork is told by its id",
      "return head.repo?.id !== base.repo.id;",
      "return head.repo?.id === undefined;",
    ],
    ["fork-commands", "no commands of a fork's", "setup: [], verify: [], egress: []", ""],
    [
      "fork-default-branch",
      "no push to the default branch",
      `if (mode !== "ask" && pull.head.ref === pull.base.repo.default_branch)`,
      `if (mode === null && pull.head.ref === pull.base.repo.default_branch)`,
    ],
  ]),
];
