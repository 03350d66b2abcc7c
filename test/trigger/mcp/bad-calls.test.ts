import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { IDEMPOTENCY_META } from "../../../src/trigger/mcp/mcp-server.ts";
import { readAnswer, startMcpServer, type McpServerUnderTest } from "../../helpers/mcp-server.ts";

let server: McpServerUnderTest;
let session = "";
let requestId = 0;

beforeAll(async () => {
  server = await startMcpServer({ ALLOWED_REPOS: "o/r,https://example.com/*" });
  execFileSync("git", ["init", "-q", server.workspace]);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => (session = await server.initialize()));

type Called = { status: number; isError: boolean; text: string; runId: unknown; error: unknown };

async function call(
  name: string,
  args: Record<string, unknown>,
  { meta, id = ++requestId, inSession = session }: { meta?: object; id?: number; inSession?: string } = {},
): Promise<Called> {
  const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
  const response = await server.send({
    headers: { "mcp-session-id": inSession },
    body: { jsonrpc: "2.0", id, method: "tools/call", params },
  });
  const answer = await readAnswer(response);
  const result = (answer["result"] ?? {}) as Record<string, unknown>;
  const content = (result["content"] ?? []) as { text: string }[];
  const structured = (result["structuredContent"] ?? {}) as Record<string, unknown>;
  const text = content.map((part) => part.text).join("\n");
  return {
    status: response.status,
    isError: result["isError"] === true,
    text,
    runId: structured["run_id"],
    error: answer["error"],
  };
}

const countRuns = async (): Promise<number> => (await server.product.store.list({ limit: 1000 })).length;

describe("arguments that are not valid are told in words, and start nothing", () => {
  const bad: [string, string, Record<string, unknown>, RegExp][] = [
    ["MA-004", "codex_run", { repo: "o/r", prompt: "x", extra: 1 }, /unknown argument "extra"/],
    ["MA-006", "codex_run", { repo: "file:///etc", prompt: "x" }, /repo: .*not a repository/],
    ["MA-006", "codex_run", { repo: "ext::sh -c id", prompt: "x" }, /repo: /],
    ["MA-006", "codex_run", { repo: "http://example.com/x.git", prompt: "x" }, /not an https URL/],
    [
      "MA-014",
      "codex_run",
      { repo: "o/r", prompt: "x", env: { OPENAI_BASE_URL: "http://evil" } },
      /unknown argument "env"/,
    ],
    [
      "MA-014",
      "codex_run",
      { repo: "o/r", prompt: "x", env_vars: { OPENAI_BASE_URL: "http://evil" } },
      /OPENAI_BASE_URL/,
    ],
    ["MA-015", "codex_run", { repo: "o/r", prompt: "x", timeout: 1e9 }, /MAX_TIMEOUT, 3600 s/],
    ["MA-015", "codex_run", { repo: "o/r", prompt: "x", timeout: -1 }, /"timeout"/],
    ["MA-015", "codex_run", { repo: "o/r", prompt: "x", timeout: "NaN" }, /"timeout"/],
    ["MA-015", "codex_run", { repo: "o/r", prompt: "x", timeout: 0 }, /"timeout"/],
    ["MA-017", "codex_run_status", { run_id: "../../state.db" }, /"run_id"/],
    [
      "MA-019",
      "codex_run_artifacts",
      { run_id: "01930000-0000-7000-8000-000000000000", artifact: "log", offset: -1 },
      /"offset"/,
    ],
    ["MA-028", "codex_run\u0000", { prompt: "x" }, /no tool "codex_run\\u0000"/],
    ["MA-028", "__proto__", { prompt: "x" }, /no tool "__proto__"/],
    ["an empty prompt", "codex_run", { repo: "o/r", prompt: " \n" }, /"prompt": must not be empty/],
    ["no prompt", "codex_run", { repo: "o/r" }, /"prompt": is missing/],
    [
      "a schema that leads elsewhere",
      "codex_run",
      { repo: "o/r", prompt: "x", output_schema: { $ref: "https://example.com/s" } },
      /output_schema/,
    ],
    ...["refs/heads/a..b", "a b", "a~1", "a^", "@{-1}", "HEAD", "a.lock", "/a", "a//b", "-x"].map(
      (base): [string, string, Record<string, unknown>, RegExp] => [
        "MA-011",
        "codex_run",
        { repo: "o/r", prompt: "x", base },
        /"base": is not a valid branch name/,
      ],
    ),
  ];

  test.each(bad)("%s: %s %j", async (_, name, args, words) => {
    const { status, isError, text } = await call(name, { ...args, ...(name === "codex_run" ? { wait: 0 } : {}) });
    expect([status, isError, text]).toEqual([200, true, expect.stringMatching(words)]);
    expect(text).not.toMatch(/\n\s+at /);
    expect(await countRuns()).toBe(0);
  });

  test("MA-012: a repository that may not be used is refused in the words of one that does not exist", async () => {
    const [hidden, missing] = await Promise.all(
      ["o/private", "no/where"].map((repo) => call("codex_run", { repo, prompt: "x", wait: 0 })),
    );
    expect([hidden?.isError, missing?.isError]).toEqual([true, true]);
    expect(hidden?.text.replace("o/private", "no/where")).toBe(missing?.text);
  });
});

describe("a call that is made twice", () => {
  const args = { prompt: "Do it once", wait: 0 };

  test("is one run in its session until its end was told, and another one in another session", async () => {
    const before = await countRuns();
    const [first, again] = [await call("codex_run", args), await call("codex_run", args)];
    const other = await call("codex_run", args, { inSession: await server.initialize() });
    expect([first.runId, again.runId === first.runId, other.runId === first.runId]).toEqual([
      expect.any(String),
      true,
      false,
    ]);
    expect(await countRuns()).toBe(before + 2);
  });

  test("MA-020: with a key of its own it is one run in every session", async () => {
    const meta = { [IDEMPOTENCY_META]: "key-1" };
    const before = await countRuns();
    const first = await call("codex_run", args, { meta });
    const again = await call("codex_run", args, { meta, inSession: await server.initialize() });
    expect([again.runId, await countRuns()]).toEqual([first.runId, before + 1]);
  });

  test("MA-021: with a key of its own and other arguments it is a conflict", async () => {
    const meta = { [IDEMPOTENCY_META]: "key-2" };
    await call("codex_run", args, { meta });
    const before = await countRuns();
    const other = await call("codex_run", { ...args, prompt: "Do another" }, { meta });
    expect([other.isError, other.text, await countRuns()]).toEqual([
      true,
      expect.stringMatching(/key.*other arguments/),
      before,
    ]);
  });

  test("the same request of the client, sent again by whatever carries it, is one run", async () => {
    const before = await countRuns();
    const [first, again] = await Promise.all(
      [1, 2].map(() => call("codex_run", { ...args, prompt: "Twice" }, { id: 9_000 })),
    );
    expect([first?.runId === again?.runId, await countRuns()]).toEqual([true, before + 1]);
  });
});

test("MA-019: a page far past the end of a log is empty", async () => {
  const { runId } = await call("codex_run", { prompt: "Have a log", wait: 0 });
  const { files, store } = server.product;
  const id = (await store.list({ limit: 1 }))[0]?.runId;
  if (id === undefined) throw new Error("there is no run");
  const page = await call("codex_run_artifacts", { run_id: runId, artifact: "log", offset: 0 });
  expect([page.isError, page.text]).toEqual([true, expect.stringMatching(/has no log/)]);
  expect(await files.readPage(id, "request", { offset: 1e15, limit: 10 })).toMatchObject({
    text: "",
    nextOffset: null,
  });
});
