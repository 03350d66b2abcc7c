import { execFile } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { DEMO_SCRIPT } from "../../src/demo/demo-script.ts";
import { PROJECT_FILES } from "../../src/demo/github/project-files.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { type ModelFault, type ScriptSource, startScriptedModel } from "../../src/demo/scripted-model.ts";

type RunCodexOptions = { model: string; files?: Record<string, string>; fault?: ModelFault };

/** One run of the real Codex CLI in the runner image, over this machine's loopback. */
async function runCodex(script: ScriptSource, { model, files = {}, fault }: RunCodexOptions) {
  await using scripted = await startScriptedModel(script, { apiKey: "sk-test" });
  if (fault !== undefined) scripted.fail(fault);
  const workspace = await mkdtemp(join(tmpdir(), "scripted-model-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(workspace, path)), { recursive: true });
      await writeFile(join(workspace, path), text);
    }
    await chmod(workspace, 0o777);
    await promisify(execFile)("chown", ["-R", "1000:1000", workspace]).catch(() => chown(workspace, 1000, 1000));
    const provider = [
      "model_provider=scripted",
      "model_providers.scripted.name=scripted",
      `model_providers.scripted.base_url=${scripted.baseUrl}`,
      "model_providers.scripted.env_key=MODEL_KEY",
      "analytics.enabled=false",
    ].flatMap((setting) => ["-c", setting]);
    const flags = ["--disable", "plugins", "--disable", "unbounded_connection_retries", "--skip-git-repo-check"];
    const codex = [
      "exec",
      "--json",
      "-m",
      model,
      ...provider,
      ...flags,
      "--dangerously-bypass-approvals-and-sandbox",
      "go",
    ];
    const docker = ["run", "--rm", "--init", "--network", "host", "--user", "1000:1000", "-e", "MODEL_KEY=sk-test"];
    const { stdout } = await promisify(execFile)(
      "docker",
      [...docker, "-v", `${workspace}:/workspace`, "--entrypoint", "codex-native", "codex-runner:latest", ...codex],
      { maxBuffer: 50_000_000 },
    );
    const events = stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const read = (path: string) => readFile(join(workspace, path), "utf8").catch(() => null);
    const written = Object.fromEntries(
      await Promise.all(["a.txt", "src/validators/email.ts"].map(async (path) => [path, await read(path)])),
    );
    return { events, written, requests: scripted.requests };
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

const messagesOf = (events: Record<string, unknown>[]) =>
  events.flatMap(({ item }) => {
    const { type, text } = (item ?? {}) as { type?: string; text?: string };
    return type === "agent_message" ? [text] : [];
  });

// gpt-5.5 has plain tools, gpt-6.1-sol nests them in code mode, and of the last one Codex knows nothing.
test.each(["gpt-5.5", "gpt-6.1-sol", "some-unknown-model"])(
  "the real Codex follows a script with %s: it says, runs, patches and ends its turn",
  async (model) => {
    const patch = "*** Begin Patch\n*** Add File: a.txt\n+from the patch\n*** End Patch";
    const { events, written, requests } = await runCodex(
      [
        {
          items: [
            { kind: "say", text: "First.", phase: "commentary" },
            { kind: "shell", command: "echo hello; exit 3" },
          ],
        },
        { items: [{ kind: "patch", patch }], usage: { inputTokens: 100, cachedInputTokens: 60, outputTokens: 10 } },
        {
          items: [{ kind: "say", text: "Last." }],
          usage: { inputTokens: 200, cachedInputTokens: 100, outputTokens: 5 },
        },
      ],
      { model },
    );
    expect(messagesOf(events)).toEqual(["First.", "Last."]);
    expect(written["a.txt"]).toBe("from the patch\n");
    expect(events.at(-1)).toMatchObject({ type: "turn.completed" });
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "item.completed",
        item: expect.objectContaining({ type: "command_execution", exit_code: 3, aggregated_output: "hello\n" }),
      }),
    );
    expect(requests.map(({ status }) => status)).toEqual([200, 200, 200]);
  },
);

test("the demo's script really adds the validator, and the project's tests pass in the runner image", async () => {
  const { events, written } = await runCodex(DEMO_SCRIPT, { model: "gpt-5.5", files: PROJECT_FILES });
  expect(written["src/validators/email.ts"]).toContain("export function email");
  const commands = events.flatMap(({ type, item }) => {
    const command = (item ?? {}) as { type?: string; exit_code?: number; aggregated_output?: string };
    return type === "item.completed" && command.type === "command_execution" ? [command] : [];
  });
  expect(commands.map(({ exit_code }) => exit_code)).toEqual([0, 0]);
  expect(commands[1]?.aggregated_output).toMatch(/pass 7\b/);
  expect(messagesOf(events).at(-1)).toMatch(/::MCP_STATUS::DONE$/);
});

// A call that had arrived whole before the stream broke is answered, not asked for again.
test.each<[ModelFault, number]>([
  [{ kind: "status", status: 500 }, 3],
  [{ kind: "cut", afterItems: 0 }, 3],
  [{ kind: "no-end" }, 2],
])("after the fault %o the real Codex goes on where the script was, in %i requests", async (fault, count) => {
  const script: ModelScript = [
    { items: [{ kind: "shell", command: "true" }] },
    { items: [{ kind: "say", text: "Last." }] },
  ];
  const { events, requests } = await runCodex(script, { model: "gpt-5.5", fault });
  expect(messagesOf(events)).toEqual(["Last."]);
  expect(requests).toHaveLength(count);
  expect(events.at(-1)).toMatchObject({ type: "turn.completed" });
});
