import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toCodexArgv } from "../../src/codex/argv.ts";
import { startScriptedModel } from "../../src/demo/scripted-model.ts";
import { runCodex } from "./run-codex.ts";

const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
const text = '{"a":"b"}';

test("Codex asks for its answer by a schema, in a new thread and in one that it goes on with", async () => {
  await using model = await startScriptedModel([{ items: [{ kind: "say", text }] }]);
  const home = await mkdtemp(join(tmpdir(), "codex-home-"));
  await chmod(home, 0o777);
  await writeFile(join(home, "schema.json"), JSON.stringify(schema));
  const ask = (resumeThreadId: string | null) => {
    const call = { model: "gpt-5.5", effort: null, dir: null, schemaPath: "/codex/schema.json", resumeThreadId };
    return runCodex({ upstreamUrl: model.baseUrl, key: "sk-any", home, argv: toCodexArgv(call) });
  };
  const first = await ask(null);
  const second = await ask(first.report.threadId);
  const { threadId } = first.report;
  for (const run of [first, second])
    expect(run).toMatchObject({ exitCode: 0, report: { threadId, turn: "completed", finalMessage: text } });
  const asked = { text: { format: { type: "json_schema", strict: true, schema } } };
  expect(model.requests.map(({ body }) => body)).toMatchObject([asked, asked]);
  await rm(home, { recursive: true, force: true });
});
