import type { Effort } from "../run/request.ts";

export type CodexCall = {
  /** Null leaves the choice to Codex. */
  model: string | null;
  effort: Effort | null;
  /** Folder inside the repository to work in; null is its root. */
  dir: string | null;
  /** The thread to go on with; its session files must lie in Codex's home. Null starts a new one. */
  resumeThreadId: string | null;
  /** The file, inside the container, with the JSON Schema of the answer. Default: none. */
  schemaPath?: string | null;
  /** Pictures that go with the prompt: files inside the container. Default: none. */
  pictures?: readonly string[];
  /** Whether the repository's AGENTS.md is part of the prompt, with the weight of one. Default: `read`. */
  agentsFiles?: "read" | "ignored";
  /** Variables that Codex sets for the commands it runs, and does not heed itself. Default: none. */
  commandVariables?: Readonly<Record<string, string>>;
};

/** Where the container's forwarder listens; behind it is the run's gateway. */
const BASE_URL = "http://127.0.0.1:8377/v1";

/**
 * Few repeats of a request and many of a stream bridge about 25 seconds without the model API in 16 requests; Codex's own
 * defaults need 30 for the same time. A gateway that is away uses none of them up: the container's forwarder waits for it,
 * and Codex waits for the head of an answer without limit.
 */
const PROVIDER = [
  `name="orch"`,
  `base_url="${BASE_URL}"`,
  `wire_api="responses"`,
  `request_max_retries=1`,
  `stream_max_retries=7`,
  `stream_idle_timeout_ms=300000`,
].join(",");

/**
 * The arguments of Codex 0.169 for one run; the image's entry adds the last one, `-`, and feeds the prompt on stdin.
 *
 * Codex's own sandbox is off, since the container is the sandbox and denies Codex the namespaces it would need. The
 * repository stays untrusted (`--trust` is never given), so its `.codex/config.toml`, hooks and rules do not load. The
 * session is kept (`--ephemeral` is never given), so that a later run can resume the thread.
 */
export function toCodexArgv(call: CodexCall): string[] {
  const { model, effort, dir, resumeThreadId, schemaPath = null, pictures = [], commandVariables = {} } = call;
  const { agentsFiles = "read" } = call;
  return [
    "exec",
    "--json",
    "--skip-git-repo-check",
    "--ignore-user-config",
    "--ignore-rules",
    // Not at the end: it takes as many arguments as follow, up to the next option.
    ...pictures.flatMap((path) => ["-i", path]),
    "--dangerously-bypass-approvals-and-sandbox",
    "-C",
    toWorkingFolder(dir),
    // Without the network this feature would have Codex wait for ever.
    "--disable",
    "unbounded_connection_retries",
    "--disable",
    "plugins",
    "--disable",
    "hooks",
    "--disable",
    "goals",
    "-c",
    "analytics.enabled=false",
    "-c",
    `web_search="disabled"`,
    "-c",
    `model_provider="orch"`,
    "-c",
    `model_providers.orch={${PROVIDER}}`,
    ...(agentsFiles === "ignored" ? ["-c", "project_doc_max_bytes=0"] : []),
    ...toVariables(commandVariables),
    ...(model === null ? [] : ["-m", model]),
    ...(effort === null ? [] : ["-c", `model_reasoning_effort="${effort}"`]),
    ...(schemaPath === null ? [] : ["--output-schema", schemaPath]),
    ...(resumeThreadId === null ? [] : ["resume", resumeThreadId]),
  ];
}

function toWorkingFolder(dir: string | null): string {
  const inside = (dir ?? "").split("/").filter((part) => part !== "" && part !== ".");
  return ["/workspace", ...inside].join("/");
}

/** A value in JSON's quotes is one in TOML's, too. */
function toVariables(variables: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(variables).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return entries.length === 0 ? [] : ["-c", `shell_environment_policy.set={${entries.join(",")}}`];
}
