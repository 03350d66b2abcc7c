import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { consultDoctor } from "../doctor/doctor-fixture.ts";
import { waitForNothingLeft } from "./leftovers.ts";
import { DONE, openWorld } from "./world.ts";

const ADD_FILE: ModelScript = [
  {
    items: [
      {
        kind: "patch",
        patch:
          "*** Begin Patch\n*** Add File: src/email.ts\n+export const isEmail = (text: string): boolean => /^[^@]+@[^@]+$/.test(text);\n*** End Patch\n",
      },
    ],
    usage: { inputTokens: 1000, cachedInputTokens: 200, outputTokens: 50 },
  },
  {
    items: [{ kind: "shell", command: "cat src/email.ts" }],
    usage: { inputTokens: 1100, cachedInputTokens: 900, outputTokens: 20 },
  },
  {
    items: [{ kind: "say", text: `Added an email validator.\n\nIt wants one @.\n${DONE}` }],
    usage: { inputTokens: 1200, cachedInputTokens: 1000, outputTokens: 30 },
  },
];

test("a comment becomes a pull request, and the thread tells all of it", async () => {
  await using world = await openWorld({ script: ADD_FILE });
  const { github } = world;
  const base = await github.git.resolve(github.repository, "main");
  const commentId = await world.comment("/codex Add an email validator");
  const result = await world.nextResult();
  expect(result).toMatchObject({
    status: "done",
    exit_code: 0,
    marker: DONE,
    mode: "full-auto",
    repo: github.repository,
    base: { ref: "main", sha: base },
    usage: { input_tokens: 3300, cached_input_tokens: 2100, output_tokens: 100 },
    output: { files_changed: ["src/email.ts"], summary: "Added an email validator.\n\nIt wants one @." },
    codex: { version: "0.169.0", model: "gpt-5.5" },
    error: null,
  });
  expect(await world.reported(commentId)).toBe("rocket");
  const [comment, ...others] = await world.botComments();
  expect(others).toEqual([]);
  expect(comment).toContain("Added an email validator");
  expect(comment).toContain(`#${result.pull_request?.number}`);

  const show = (format: string) =>
    github.git.git(github.repository, ["log", "-1", `--format=${format}`, result.commit ?? ""]);
  expect(result.branch).toBe(`codex/${github.issueNumber}-add-an-email-validator-${result.run_id.slice(-8)}`);
  expect((await show("%P")).trim()).toBe(base);
  expect((await show("%an|%cn")).trim()).toBe(`${github.app.botLogin}|${github.app.botLogin}`);
  expect(await show("%B")).toMatch(/^Co-authored-by: octocat <583231\+octocat@users\.noreply\..*>$/m);
  const { body: pull } = await github.call({
    as: "octocat",
    method: "GET",
    path: `/repos/${github.repository}/pulls/${result.pull_request?.number}`,
  });
  expect(pull).toMatchObject({
    title: "Added an email validator",
    draft: false,
    body: expect.stringMatching(/Closes #\d+[\s\S]*src\/email\.ts[\s\S]*Add an email validator[\s\S]*<details>/),
  });

  const files = ["changes.patch", "codex-sessions", "events.jsonl", "log.txt", "request.json", "result.json"];
  expect(readdirSync(join(world.runsPath, result.run_id)).sort()).toEqual(files);
  expect(readdirSync(join(world.runsPath, result.run_id, "codex-sessions"))).not.toEqual([]);
  expect(await waitForNothingLeft(world)).toEqual([]);
  expect(await github.listViolations()).toEqual([]);
});

test("doctor, next to the server that runs, finds all well, and says that another secret is wrong", async () => {
  await using world = await openWorld({ script: ADD_FILE });
  const variables = { ...world.environment, PORT: new URL(world.server.url).port };
  const ask = async (names: string[], changes: Record<string, string> = {}) => {
    const config = readConfig({ environment: { ...variables, ...changes }, folder: world.runsPath });
    const { code, out } = await consultDoctor(config, { names });
    return { code, said: out.split("\n").filter((line) => line.startsWith("✗") || line.includes(" webhook-secret ")) };
  };
  const taken = /^✓ .* takes a ping signed with WEBHOOK_SECRET and refuses a forged one$/;
  expect(await ask([])).toEqual({ code: 0, said: [expect.stringMatching(taken)] });
  const wrong = await ask(["webhook-secret"], { WEBHOOK_SECRET: "another-secret-0123456789" });
  const refused = /^✗ .* refuses a ping signed with WEBHOOK_SECRET \(HTTP 401\)/;
  expect(wrong).toEqual({ code: 1, said: [expect.stringMatching(refused)] });
});
