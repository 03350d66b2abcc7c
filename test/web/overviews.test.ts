import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_ACTIVITY } from "../../src/run/progress.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

let world: PagesWorld;
beforeEach(async () => {
  world = await openPagesWorld({ MAX_CONCURRENT_RUNS: "3", MAX_CONCURRENT_RUNS_PER_REPO: "2" });
});
afterEach(() => world[Symbol.asyncDispose]());

const owner = { authorization: `Bearer ${TOKEN}` };
const read = async (path: string): Promise<string> => (await world.get(path, owner)).text();
const EVIL = `"'><script>alert(1)</script><img src=x>`;

/** The cells of each row, by their column. */
const readRows = (html: string): Record<string, string>[] =>
  [...html.matchAll(/<tr>([\s\S]*?)<\/tr>/g)]
    .map(([, row = ""]) =>
      Object.fromEntries(
        [...row.matchAll(/<td data-label="([^"]+)">([\s\S]*?)<\/td>/g)].map(([, name = "", cell = ""]) => [
          name,
          cell.replace(/<[^>]*>/g, "").trim(),
        ]),
      ),
    )
    .filter((row) => Object.keys(row).length > 0);

describe("the page of the queue", () => {
  test("shows what runs, what waits, in which place and behind what", async () => {
    const first = await world.addRun({ thread: 42 });
    await world.begin(first, { activity: { ...NO_ACTIVITY, lastCommand: `npm test ${EVIL}` } });
    const second = await world.addRun({ thread: 42 });
    const third = await world.addRun({ repo: "World", branch: "main", thread: 7 });
    const html = await read("/runs/queue");
    expect(html).toContain("1 run is executed, 2 wait");
    expect(html).toContain("at most 3 at once");
    const [running, ...waiting] = readRows(html);
    const short = ({ run_id: id }: { run_id: string }): string => id.slice(-8);
    expect(running).toMatchObject({
      ...{ Run: short(first), State: "running", Repository: "octo-org/hello", Lane: "thread #42" },
      Now: "npm test &quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x&gt;",
    });
    expect(waiting).toMatchObject([
      { Place: "1", Run: short(third), Repository: "octo-org/World", Lane: "branch main", "Waits for": "a free place" },
      { Place: "2", Run: short(second), Lane: "thread #42", "Waits for": `run ${short(first)}` },
    ]);
    expect(html).not.toMatch(/<script>|<img/);
  });

  test("says that nothing runs and nothing waits, and how many more there are than it lists", async () => {
    const empty = await read("/runs/queue");
    expect(empty).toContain("Nothing runs.");
    expect(empty).toContain("Nothing waits.");
    for (let index = 0; index < 103; index++) await world.addRun();
    const html = await read("/runs/queue");
    expect(readRows(html)).toHaveLength(100);
    expect(html).toContain("And 3 more.");
  });
});

describe("the page of the last 30 days", () => {
  test("adds up what ended, by day and by repository", async () => {
    const now = new Date().toISOString();
    const usage = { input_tokens: 23_000, cached_input_tokens: 10_800, output_tokens: 1000 };
    await world.addResult({ finished_at: now, duration: 30, usage });
    await world.addResult({ finished_at: now, duration: 90, usage });
    await world.addResult({ finished_at: now, duration: 10, status: "error" }, { repo: "World" });
    const html = await read("/runs/totals");
    for (const words of ["46,000 (21,600 cached)", "2 (67 %)", "43.3 s"]) expect(html).toContain(words);
    const rows = readRows(html);
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({ Runs: "3", Done: "2", Error: "1", Timeout: "", "Tokens in": "46,000" });
    expect(rows[1]).toMatchObject({
      Runs: "2",
      Done: "2",
      Error: "",
      "Tokens out": "2,000",
      "Longest time": "1 min 30 s",
    });
    expect(rows[2]).toMatchObject({ Runs: "1", Done: "", Error: "1", "Tokens in": "0" });
    expect(html).toContain(now.slice(0, 10));
    expect(html.match(/<rect class="done"/g)).toHaveLength(1);
  });

  test("says that nothing ended", async () => {
    expect(await read("/runs/totals")).toContain("No run ended in this time.");
  });
});

describe("the pages of all runs", () => {
  test.each(["/runs/queue", "/runs/totals"])("%s is for who has the token alone", async (path) => {
    const { run_id: runId } = await world.addRun();
    const [, query = ""] = world.toLink(runId).split("?");
    for (const address of [path, `${path}?${query}`]) expect((await world.get(address)).status).toBe(401);
    expect((await world.get(path, await world.signIn())).status).toBe(200);
  });
});
