import { expect, test } from "vitest";
import { toCodexArgv, type CodexCall } from "../../src/codex/argv.ts";

const call: CodexCall = { model: null, effort: null, dir: null, resumeThreadId: null };
const THREAD = "01a20241-30e1-79d1-ba35-4d1e5a751829";

/** The value after each `-c`, as one object. */
function toConfig(argv: string[]): Record<string, string> {
  const values = argv.flatMap((flag, index) => (flag === "-c" ? [argv[index + 1] ?? ""] : []));
  return Object.fromEntries(
    values.map((value) => [value.slice(0, value.indexOf("=")), value.slice(value.indexOf("=") + 1)]),
  );
}

test("a call without choices leaves model and effort to Codex and works at the root", () => {
  const argv = toCodexArgv(call);
  expect(argv.slice(0, 2)).toEqual(["exec", "--json"]);
  expect(argv[argv.indexOf("-C") + 1]).toBe("/workspace");
  expect(argv).not.toContain("-m");
  expect(toConfig(argv)).not.toHaveProperty("model_reasoning_effort");
});

test("model, effort and folder are single arguments", () => {
  const argv = toCodexArgv({ ...call, model: "gpt-5.5", effort: "xhigh", dir: "packages/a b/" });
  expect(argv[argv.indexOf("-m") + 1]).toBe("gpt-5.5");
  expect(toConfig(argv)["model_reasoning_effort"]).toBe('"xhigh"');
  expect(argv[argv.indexOf("-C") + 1]).toBe("/workspace/packages/a b");
});

test("the files with instructions for agents are read, unless strangers wrote them", () => {
  expect(toConfig(toCodexArgv(call))).not.toHaveProperty("project_doc_max_bytes");
  expect(toConfig(toCodexArgv({ ...call, agentsFiles: "ignored" }))["project_doc_max_bytes"]).toBe("0");
});

test("nothing trusts the repository, drops the session or leaves retries without bound", () => {
  const argv = toCodexArgv({ ...call, resumeThreadId: THREAD });
  for (const flag of ["--trust", "--ephemeral", "--dangerously-bypass-hook-trust", "--full-auto"])
    expect(argv).not.toContain(flag);
  const disabled = argv.flatMap((flag, index) => (flag === "--disable" ? [argv[index + 1]] : []));
  expect(disabled).toEqual(["unbounded_connection_retries", "plugins", "hooks", "goals"]);
  const config = toConfig(argv);
  expect(config).toMatchObject({ "analytics.enabled": "false", web_search: '"disabled"', model_provider: '"orch"' });
  expect(config["model_providers.orch"]).toMatch(
    /base_url="http:\/\/127\.0\.0\.1:8377\/v1".*request_max_retries=\d,stream_max_retries=\d,/,
  );
});

test("a schema of the answer is named before the thread to go on with", () => {
  const argv = toCodexArgv({ ...call, schemaPath: "/in/schema.json", resumeThreadId: THREAD });
  expect(argv.slice(-4)).toEqual(["--output-schema", "/in/schema.json", "resume", THREAD]);
  expect(toCodexArgv(call)).not.toContain("--output-schema");
});

test("a follow-up resumes its thread after all flags, so that the entry's `-` is the prompt", () => {
  expect(toCodexArgv({ ...call, resumeThreadId: THREAD }).slice(-2)).toEqual(["resume", THREAD]);
});

test("variables for the commands are set by Codex for them alone, and only when there are some", () => {
  const commandVariables = { HTTPS_PROXY: "http://127.0.0.1:8377", NO_PROXY: "localhost,127.0.0.1,::1" };
  expect(toConfig(toCodexArgv({ ...call, commandVariables }))["shell_environment_policy.set"]).toBe(
    '{HTTPS_PROXY="http://127.0.0.1:8377",NO_PROXY="localhost,127.0.0.1,::1"}',
  );
  expect(toCodexArgv({ ...call, commandVariables: {} })).toEqual(toCodexArgv(call));
});
