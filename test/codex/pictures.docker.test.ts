import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toCodexArgv } from "../../src/codex/argv.ts";
import { startScriptedModel, type ScriptedModel } from "../../src/demo/scripted-model.ts";
import { toPng } from "../helpers/pictures.ts";
import { runCodex, type CodexRun } from "./run-codex.ts";

const KEY = "sk-test";
let model: ScriptedModel;
let home: string;
beforeAll(async () => {
  model = await startScriptedModel([{ items: [{ kind: "say", text: "Seen." }] }], { apiKey: KEY });
  home = await mkdtemp(join(tmpdir(), "codex-home-"));
  await chmod(home, 0o777);
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** Shows pictures to the real Codex in its container; `sent` is what the model got. */
async function show(
  pictures: Record<string, Buffer>,
  { resumeThreadId = null }: { resumeThreadId?: string | null } = {},
): Promise<CodexRun & { sent: string }> {
  const paths = Object.keys(pictures).map((name) => `/in/${name}`);
  const argv = toCodexArgv({ model: "gpt-5.5", effort: null, dir: null, resumeThreadId, pictures: paths });
  const before = model.requests.length;
  const prompt = "Look at them.";
  const run = await runCodex({ upstreamUrl: model.baseUrl, key: KEY, argv, home, inputs: pictures, prompt });
  return { ...run, sent: JSON.stringify(model.requests[before]?.body) };
}

const toSent = (picture: Buffer): string => `"image_url":"data:image/png;base64,${picture.toString("base64")}"`;

test(
  "pictures reach the model as data, in a new thread and in one that is gone on with",
  { timeout: 120_000 },
  async () => {
    const [one, two, three] = [toPng(10), toPng(20), toPng(30)] as const;
    const first = await show({ "picture-1.png": one, "picture-2.png": two });
    expect(first).toMatchObject({ exitCode: 0, report: { turn: "completed" } });
    expect(first.sent).toContain(toSent(one));
    expect(first.sent.indexOf(toSent(two))).toBeGreaterThan(first.sent.indexOf(toSent(one)));
    expect(first.sent).toContain("Look at them.");

    const second = await show({ "picture-1.png": three }, { resumeThreadId: first.report.threadId });
    expect(second).toMatchObject({ exitCode: 0, report: { threadId: first.report.threadId } });
    expect(second.sent).toContain(toSent(three));
  },
);

test("what only looks like a picture is left out, and the run goes on", { timeout: 120_000 }, async () => {
  const broken = toPng(10).subarray(0, 40);
  const run = await show({ "picture-1.png": broken, "picture-2.png": toPng(20) });
  expect(run).toMatchObject({ exitCode: 0, report: { turn: "completed" } });
  expect(run.sent).toContain(toSent(toPng(20)));
  expect(run.sent).not.toContain(broken.toString("base64"));
});
