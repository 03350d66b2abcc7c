import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunId } from "../../src/run/id.ts";
import { createResult } from "../helpers/results.ts";
import { openBrowserWorld, type BrowserWorld, type Window } from "./browser-world.ts";

let world: BrowserWorld;
beforeAll(async () => {
  world = await openBrowserWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const begin = async (log: string): Promise<{ runId: RunId; finish: () => Promise<void> }> => {
  const request = await world.pages.addRun();
  const writer = await world.pages.begin(request);
  world.pages.write(request.run_id, { log });
  return { runId: request.run_id, finish: () => writer.finish(createResult(request)) };
};

/** Opens the page of a run that goes, and waits until it is live. */
const watch = async (runId: RunId): Promise<Window> => {
  const window = await world.open();
  await window.page.goto(`/runs/${runId}`);
  await window.page.getByText("live", { exact: true }).waitFor();
  return window;
};
const readLog = ({ page }: Window) => page.locator("#log").textContent();
const patiently = { timeout: 20_000 };

describe("a live log in a browser", () => {
  test("grows, goes on where it was after a cut, and shows what came out of the run", async () => {
    const { runId, finish } = await begin("Codex: I begin.\nhalf a ");
    await using window = await watch(runId);
    world.pages.append(runId, "line\n$ npm test\n");
    await expect.poll(() => readLog(window), patiently).toBe("Codex: I begin.\nhalf a line\n$ npm test\n");
    expect(await window.page.locator("#log .line").allTextContents()).toEqual([
      ...["Codex: I begin.\n", "half a line\n", "$ npm test\n"],
    ]);

    const before = world.proxy.connections();
    world.proxy.cut();
    await window.page.getByText("cut off, trying again").waitFor();
    world.pages.append(runId, "said while nobody listened ✓\n");
    await window.page.getByText("live", { exact: true }).waitFor();
    await expect.poll(() => readLog(window), patiently).toMatch(/npm test\nsaid while nobody listened ✓\n$/);
    expect(world.proxy.connections()).toBeGreaterThan(before);
    expect((await readLog(window))?.match(/I begin/g)).toHaveLength(1);

    await finish();
    await window.page.getByText("Nothing needed to change.").waitFor();
    expect(await window.page.locator("#state").textContent()).toContain("done");
    expect(window.complaints.filter((text) => !text.includes("net::ERR_"))).toEqual([]);
  });

  test("stays at its end while it is read there, and where it is read otherwise, with a way to the end", async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index}\n`);
    const { runId } = await begin(lines.join(""));
    await using window = await watch(runId);
    const { page } = window;
    const fromEnd = async () =>
      Number(
        await page.evaluate(
          "{ const log = document.getElementById('log'); log.scrollHeight - log.scrollTop - log.clientHeight }",
        ),
      );
    expect(await fromEnd()).toBeLessThan(2);
    world.pages.append(runId, "one more\n".repeat(50));
    await expect.poll(() => readLog(window), patiently).toContain("one more");
    expect(await fromEnd()).toBeLessThan(2);

    await page.evaluate("document.getElementById('log').scrollTop = 100");
    world.pages.append(runId, "and another\n".repeat(50));
    await expect.poll(() => readLog(window), patiently).toContain("and another");
    expect(await page.evaluate("document.getElementById('log').scrollTop")).toBe(100);
    await page.getByRole("link", { name: "End", exact: true }).click();
    await expect.poll(fromEnd).toBeLessThan(40);
    world.pages.append(runId, "the last\n".repeat(50));
    await expect.poll(() => readLog(window), patiently).toContain("the last");
    await expect.poll(fromEnd).toBeLessThan(2);
  });
});
