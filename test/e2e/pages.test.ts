import { createParser } from "eventsource-parser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { RunId } from "../../src/run/id.ts";
import { RunResult } from "../../src/run/result.ts";
import { DONE, openWorld, until, type World } from "./world.ts";

const PUBLIC_URL = "https://codex.example.com";
const TOKEN = "dashboard-0123456789abcdef";

const script: ModelScript = [
  {
    items: [
      { kind: "say", text: "I look <b>around</b>.", phase: "commentary" },
      { kind: "shell", command: "echo first line; echo hello > hello.txt" },
    ],
  },
  { items: [{ kind: "shell", command: "sleep 6; printf '\\033[1;31msecond\\033[0m line\\n'", yieldTimeMs: 20_000 }] },
  { items: [{ kind: "say", text: `Said hello.\n${DONE}` }] },
];

const SLEEP: ModelScript = [{ items: [{ kind: "shell", command: "sleep 120", yieldTimeMs: 120_000 }] }];

/** What a live log is sent as: text, and how it looks. */
const Pieces = z.array(z.union([z.tuple([z.string()]), z.tuple([z.string(), z.string()])]));

let world: World;
beforeAll(async () => {
  world = await openWorld({
    script: ({ prompt }) => (prompt.includes("Sleep") ? SLEEP : script),
    environment: { PUBLIC_URL, DASHBOARD_TOKEN: TOKEN },
  });
});
afterAll(async () => {
  const violations = await world.github.listViolations();
  await world[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${world.server.url}${path}`, { headers: { accept: "text/html", ...headers } });

/** The link in the run's comment, as a path. */
const findLink = (words: string): Promise<string> =>
  until("the link", async () => {
    const pattern = new RegExp(`\\[${words}\\]\\(${PUBLIC_URL}(/runs/[0-9a-f-]{36}\\?key=[\\w.-]+)\\)`);
    return (await world.botComments()).map((comment) => pattern.exec(comment)?.[1]).findLast(Boolean);
  });

test("a run is seen while it goes by the link in its comment, and afterwards with what came out of it", async () => {
  const commentId = await world.comment("/codex Say hello");
  const link = await findLink("live log");
  const running = await until("the page of a run that goes", async () => {
    const html = await (await get(link)).text();
    return html.includes('class="state running"') ? html : undefined;
  });
  expect(running).toContain("Say hello");
  const [, live = ""] = /data-live="([^"]+)"/.exec(running) ?? [];

  const seen: { event: string; data: string }[] = [];
  const parser = createParser({ onEvent: ({ event = "", data }) => void seen.push({ event, data }) });
  const stream = await get(live.replaceAll("&amp;", "&"), { accept: "text/event-stream" });
  const decoder = new TextDecoder();
  for await (const bytes of stream.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
  const states = seen.filter(({ event }) => event === "state").map(({ data }) => String(JSON.parse(data).state));
  expect(states[0]).toBe("running");
  expect(states.at(-1)).toBe("done");
  expect(seen.at(-1)?.event).toBe("end");
  const pieces = seen.flatMap(({ event, data }) => (event === "log" ? Pieces.parse(JSON.parse(data)) : []));
  expect(pieces).toContainEqual(["second", "fg-1 bold"]);
  expect(pieces.map(([text]) => text).join("")).toContain("second line\n");

  const result = await world.nextResult();
  expect(await world.reported(commentId)).toBe("rocket");
  const finished = await findLink("log and details");
  const html = await (await get(finished)).text();
  const coloured = '<span class="fg-1 bold">second</span> line';
  for (const words of ["Said hello.", "first line", coloured, "hello.txt", `#${result.pull_request?.number}`])
    expect(html).toContain(words);
  expect(world.file(result, "log.txt")).toMatch(/\nsecond line\n/);
  expect(html).toContain("I look &lt;b&gt;around&lt;/b&gt;.");

  const owner = { authorization: `Bearer ${TOKEN}` };
  const list = await (await get("/runs?state=done", owner)).text();
  expect(list).toContain(`/runs/${result.run_id}`);
  const { output, ...shown } = RunResult.parse(await (await get(`/runs/${result.run_id}/result`, owner)).json());
  expect(shown).toEqual({ ...result, output: undefined });
  expect(output.summary).toBe("Said hello.");
  const diff = await (await get(finished.replace("?", "/diff?"))).text();
  expect(diff).toBe(world.file(result, "changes.patch"));
  expect((await get(`/runs/${result.run_id}`)).status).toBe(401);
});

test("a run is cancelled and asked for again from its page", async () => {
  const owner = { authorization: `Bearer ${TOKEN}` };
  await world.comment("/codex Sleep long");
  const link = await findLink("live log");
  const [path = ""] = link.split("?");
  await until("the run goes", async () => ((await (await get(link)).text()).includes("sleep 120") ? true : undefined));
  const press = (action: string): Promise<Response> =>
    fetch(`${world.server.url}${path}/${action}`, { method: "POST", headers: owner });
  expect((await press("cancel")).status).toBe(202);
  expect(await world.nextResult()).toMatchObject({ run_id: path.split("/")[2], status: "cancelled" });

  const again = z.object({ run_id: z.string() }).parse(await (await press("retry")).json());
  expect(again.run_id).not.toBe(path.split("/")[2]);
  const { product } = world.server;
  await until("a second comment", async () =>
    (await world.botComments()).some((comment) => comment.includes(again.run_id)) ? true : undefined,
  );
  await product.orchestrator.cancel(RunId.parse(again.run_id));
  expect(await world.nextResult()).toMatchObject({ run_id: again.run_id, status: "cancelled" });
});
