import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import type { RunId } from "../../src/run/id.ts";
import { createRunWatch } from "../../src/web/pages/run-watch.ts";
import { createResult } from "../helpers/results.ts";
import { appendColoured } from "./append-coloured.ts";
import { openPagesWorld, type PagesWorld } from "./pages-world.ts";
import { watchLog, type Watched } from "./watch-log.ts";

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

const watch = (path: string, headers?: Record<string, string>): Promise<Watched> =>
  watchLog(`${world.url}${path}`, headers);

const begin = async (log: string): Promise<{ runId: RunId; finish: () => Promise<void> }> => {
  const request = await world.addRun();
  const writer = await world.begin(request, { activity: { ...NO_ACTIVITY, lastCommand: "npm test" } });
  world.write(request.run_id, { log });
  return { runId: request.run_id, finish: () => writer.finish(createResult(request)) };
};

describe("a live log", () => {
  test("sends what is there, then what comes, then that it is over", async () => {
    const { runId, finish } = await begin("one ✓\n");
    await using live = await watch(`/runs/${runId}/log`);
    await live.until(() => live.text() === "one ✓\n");
    world.append(runId, "two\n<b>three");
    await live.until(() => live.text() === "one ✓\ntwo\n<b>three");
    const state = live.events.find(({ event }) => event === "state");
    expect(JSON.parse(state?.data ?? "")).toMatchObject({
      state: "running",
      words: expect.stringContaining("npm test"),
    });
    world.append(runId, "\n");
    await finish();
    await live.until(() => live.events.at(-1)?.event === "end");
    expect(live.text()).toBe("one ✓\ntwo\n<b>three\n");
    expect(JSON.parse(live.events.findLast(({ event }) => event === "state")?.data ?? "")).toMatchObject({
      name: "done",
    });
  });

  test("goes on after a cut right where it was, whatever its address says", async () => {
    const { runId } = await begin("one ✓\ntwo\n");
    await using first = await watch(`/runs/${runId}/log?offset=8`);
    await first.until(() => first.text() === "two\n");
    const id = first.events.find(({ event }) => event === "log")?.id ?? "";
    expect(id).toBe("12");
    world.append(runId, "three\n");
    await using second = await watch(`/runs/${runId}/log?offset=8`, { "last-event-id": id });
    await second.until(() => second.text() === "three\n");
  });

  test("sends a long one in pieces and loses nothing", async () => {
    const long = Array.from({ length: 60_000 }, (_, index) => `line ${index} ✓\n`).join("");
    const { runId, finish } = await begin(long);
    await finish();
    await using live = await watch(`/runs/${runId}/log`);
    await live.until(() => live.events.at(-1)?.event === "end");
    expect(live.text()).toBe(long);
    expect(live.events.length).toBeGreaterThan(10);
  });

  test("goes past what a page shows nothing of", async () => {
    const { runId, finish } = await begin(`one\n${"\u001b[0m".repeat(100_000)}`);
    world.append(runId, "two\n");
    await finish();
    await using live = await watch(`/runs/${runId}/log`);
    await live.until(() => live.events.at(-1)?.event === "end");
    expect(live.text()).toBe("one\ntwo\n");
  });

  test("sends in pieces what a command coloured, and goes on within one after a cut", async () => {
    const { runId } = await begin("");
    await appendColoured(world, { runId, lines: ["plain", "\u001b[31mred ✓ \u001b[1;42mloud\u001b[0m <b>"] });
    const log = `/runs/${runId}/log`;
    await using whole = await watch(log);
    await whole.until(() => whole.text() === "plain\nred ✓ loud <b>\n");
    expect(whole.pieces()).toEqual([["plain\n"], ["red ✓ ", "fg-1"], ["loud", "fg-1 bg-2 bold"], [" <b>\n"]]);
    await using rest = await watch(log, { "last-event-id": "10" });
    await rest.until(() => rest.text().endsWith("\n"));
    expect(rest.pieces()).toEqual([["✓ ", "fg-1"], ["loud", "fg-1 bg-2 bold"], [" <b>\n"]]);
    // Within the tick.
    await using later = await watch(log, { "last-event-id": "12" });
    await later.until(() => later.text().endsWith("\n"));
    expect(later.pieces()[0]).toEqual([" ", "fg-1"]);
  });

  test("takes colours that cannot be read for none", async () => {
    const { runId } = await begin("one\ntwo\n");
    for (const colours of [
      "</pre><script>alert(1)</script>\n".repeat(9),
      "0".repeat(5000),
      "\n".repeat(48),
      "\u0000",
    ]) {
      world.write(runId, { colours });
      await using live = await watch(`/runs/${runId}/log`);
      await live.until(() => live.text() === "one\ntwo\n");
      expect(live.pieces()).toEqual([["one\ntwo\n"]]);
    }
  });

  test("shows its end to who is far behind, and says how much it left out", async () => {
    const line = "a line of a log that gains more than anybody reads ✓\n";
    const { runId, finish } = await begin(line.repeat(100_000));
    world.append(runId, "the end\n");
    await finish();
    await using live = await watch(`/runs/${runId}/log`);
    await live.until(() => live.events.at(-1)?.event === "end");
    const text = live.text();
    expect(text.length).toBeLessThan(600_000);
    expect(text).toMatch(/^\n\[… 4\.\d MiB left out here: the whole log is there as text …\]\n/);
    expect(text.endsWith(`${line}the end\n`)).toBe(true);
  });

  test("is there for who has the link, and for nobody else", async () => {
    const { runId } = await begin("one\n");
    const link = world.toLink(runId).replace("?", "/log?");
    await using live = await watch(link, { authorization: "" });
    await live.until(() => live.text() === "one\n");
    const stranger = await world.get(`/runs/${runId}/log`, { accept: "text/event-stream" });
    expect(stranger.status).toBe(401);
    await stranger.text();
  });

  test("ends when the server stops", async () => {
    const { runId } = await begin("one\n");
    await using live = await watch(`/runs/${runId}/log`);
    await live.until(() => live.text() === "one\n");
    const start = performance.now();
    await world[Symbol.asyncDispose]();
    expect(performance.now() - start).toBeLessThan(1500);
    world = await openPagesWorld();
  });
});

describe("watching a run", () => {
  test("costs the same for fifty as for one", async () => {
    const { runId } = await begin("one\n");
    const { store, files } = world.product;
    const asked = { looks: 0, reads: 0, colours: 0 };
    const watch = createRunWatch({
      store: {
        isOver: (id) => store.isOver(id),
        findState: (id) => {
          asked.looks += 1;
          return store.findState(id);
        },
      },
      files: {
        size: (id, file) => files.size(id, file),
        readPage: (id, file, page) => {
          asked.reads += 1;
          return files.readPage(id, file, page);
        },
        readColours: (id, part) => {
          asked.colours += 1;
          return files.readColours(id, part);
        },
      },
      everyMs: 50,
    });
    const view = async (): Promise<string | undefined> => {
      await watch.look(runId);
      await watch.lookLater(runId);
      await watch.lookLater(runId);
      return (await watch.readLog(runId, 0))?.pieces.map(({ text }) => text).join("");
    };
    const seen = await Promise.all(Array.from({ length: 50 }, view));
    expect(new Set(seen)).toEqual(new Set(["one\n"]));
    expect(asked).toEqual({ looks: 3, reads: 1, colours: 1 });
  });
});
