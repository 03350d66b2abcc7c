import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toStatePaths } from "../../../../src/store/paths.ts";
import { IDEMPOTENCY_META } from "../../../../src/trigger/mcp/mcp-server.ts";
import { readAnswer, startMcpServer, type McpServerUnderTest } from "../../../helpers/mcp-server.ts";

/** Two servers over one record, as behind one address. Nothing executes what they accept. */
let one: McpServerUnderTest;
let two: McpServerUnderTest;
let number = 0;

beforeAll(async () => {
  one = await startMcpServer();
  execFileSync("git", ["init", "-q", one.workspace]);
  two = await startMcpServer({ RUNS_PATH: join(one.folder, "runs"), WORKSPACE_PATH: one.workspace });
});
afterAll(async () => {
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
});

type Call = { session: string; prompt: string; wait: number; key?: string };

/** Begins a call; it may be open until it is cancelled. */
function begin(server: McpServerUnderTest, { session, prompt, wait, key }: Call) {
  const id = ++number;
  const meta = key === undefined ? {} : { _meta: { [IDEMPOTENCY_META]: key } };
  const params = { name: "codex_run", arguments: { prompt, wait }, ...meta };
  const body = { jsonrpc: "2.0", id, method: "tools/call", params };
  return { id, response: server.send({ headers: { "mcp-session-id": session }, body }) };
}

async function cancel(server: McpServerUnderTest, { session, id }: { session: string; id: number }): Promise<void> {
  const params = { requestId: id, reason: "the person pressed stop" };
  const body = { jsonrpc: "2.0", method: "notifications/cancelled", params };
  expect((await server.send({ headers: { "mcp-session-id": session }, body })).status).toBe(202);
}

/** The one run with this prompt, once it was accepted. */
async function findRun(prompt: string) {
  const find = async () => {
    const runs = await one.product.store.list({ limit: 100 });
    const requests = await Promise.all(runs.map(({ runId }) => one.product.store.request(runId)));
    return runs.filter((_, index) => requests[index]?.prompt === prompt);
  };
  await expect.poll(find).toHaveLength(1);
  const [run] = await find();
  if (run === undefined) throw new Error("there is no run");
  return run;
}

/** Whether the record says that the one run with this prompt is to end. */
async function isToEnd(prompt: string): Promise<boolean> {
  const { runId } = await findRun(prompt);
  using database = new DatabaseSync(toStatePaths(join(one.folder, "runs")).database, { readOnly: true });
  const row = database.prepare("SELECT cancel_requested_at FROM runs WHERE run_id = ?").get(runId);
  return typeof row?.["cancel_requested_at"] === "string";
}

/** How a call comes to its run: the request whose cancellation is told of, still open on `one`. */
const ways: [string, (prompt: string) => Promise<{ session: string; id: number }>][] = [
  [
    "that began it",
    async (prompt) => {
      const session = await one.initialize();
      return { session, id: begin(one, { session, prompt, wait: 60 }).id };
    },
  ],
  [
    "that began it with a key",
    async (prompt) => {
      const session = await one.initialize();
      return { session, id: begin(one, { session, prompt, wait: 60, key: prompt }).id };
    },
  ],
  [
    "that repeats it with its key, in another session and on another server",
    async (prompt) => {
      const first = begin(two, { session: await two.initialize(), prompt, wait: 0, key: prompt });
      await (await first.response).text();
      const session = await one.initialize();
      return { session, id: begin(one, { session, prompt, wait: 60, key: prompt }).id };
    },
  ],
  [
    "that repeats it in its session, on another server",
    async (prompt) => {
      const session = await one.initialize();
      await (await begin(two, { session, prompt, wait: 0 }).response).text();
      return { session, id: begin(one, { session, prompt, wait: 60 }).id };
    },
  ],
];

test.each(ways)(
  "a run is cancelled by the call %s, wherever the client's word of it arrives",
  async (way, come) => {
    for (const [where, server] of [
      ["here", one],
      ["elsewhere", two],
    ] as const) {
      const prompt = `${way}, ${where}`;
      const call = await come(prompt);
      await findRun(prompt);
      const stop = async (): Promise<boolean> => {
        await cancel(server, call);
        return isToEnd(prompt);
      };
      await expect.poll(stop, { timeout: 3_000, message: where }).toBe(true);
    }
  },
  30_000,
);

test("a call that was refused, since its key is another call's, cancels nothing of that one", async () => {
  const prompt = "Keep on";
  const first = begin(one, { session: await one.initialize(), prompt, wait: 0, key: prompt });
  await (await first.response).text();
  const session = await one.initialize();
  const other = begin(one, { session, prompt: "Do another", wait: 0, key: prompt });
  expect((await readAnswer(await other.response))["result"]).toMatchObject({ isError: true });
  await cancel(two, { session, id: other.id });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await isToEnd(prompt)).toBe(false);
}, 20_000);
