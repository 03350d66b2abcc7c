import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { RunId } from "../../src/run/id.ts";
import { toRunFile } from "../../src/store/run-files.ts";
import { openBrowserWorld, type BrowserWorld, type Window } from "./browser-world.ts";

const LOG_BYTES = 100 * 1024 * 1024;
/** The longest that a browser may be busy with one thing, in milliseconds. Alone on a machine it is a tenth of that. */
const FROZEN_MS = 1500;

let world: BrowserWorld;
beforeAll(async () => {
  world = await openBrowserWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Writes numbered lines up to a size; the one in the middle says so. */
async function writeLongLog(runId: RunId): Promise<void> {
  const path = toRunFile(world.pages.product.paths, { runId, file: "log" });
  mkdirSync(dirname(path), { recursive: true });
  const stream = createWriteStream(path);
  const block = "ok - a test with a name that is as long as names are - 12 ms\n".repeat(1000);
  const blocks = Math.ceil(LOG_BYTES / block.length);
  for (let index = 0; index < blocks; index++) {
    if (!stream.write(index === Math.floor(blocks / 2) ? `not ok - the needle\n${block}` : block))
      await once(stream, "drain");
  }
  stream.end("the end of it all\n");
  await once(stream, "close");
}

const longestTask = async ({ page }: Window): Promise<number> =>
  Math.max(0, ...z.array(z.number()).parse(await page.evaluate("window.longTasks")));

describe("the page of a run with a log of 100 MB", () => {
  test("is there at once, leads through the log and finds a line in it, and never freezes", async () => {
    const { run_id: runId } = await world.pages.addResult();
    await writeLongLog(runId);
    await using window = await world.open();
    const { page } = window;
    const tasks: number[] = [];
    const look = async (): Promise<string> => {
      tasks.push(await longestTask(window));
      return (await page.locator("#log").textContent()) ?? "";
    };
    await page.goto(`/runs/${runId}`);
    expect(await look()).toMatch(/the end of it all\n$/);
    await page.getByRole("link", { name: "Beginning" }).click();
    await page.getByRole("link", { name: "Later" }).click();
    expect((await look()).length).toBeLessThan(70_000);
    await page.getByLabel("Find in the log").fill("The Needle");
    await page.getByRole("button", { name: "Find" }).click();
    await page.locator(".found a").click();
    expect(await look()).toMatch(/^not ok - the needle\n/);
    await page.getByRole("link", { name: "End", exact: true }).click();
    await page.waitForURL((url) => url.search === "");
    expect(await look()).toMatch(/the end of it all\n$/);
    expect(Math.max(...tasks)).toBeLessThan(FROZEN_MS);
  });

  test("does not freeze while 100 MB come live, nor keep them all", async () => {
    const request = await world.pages.addRun();
    await world.pages.begin(request);
    world.pages.write(request.run_id, { log: "Codex: I begin.\n" });
    await using window = await world.open();
    const { page } = window;
    await page.goto(`/runs/${request.run_id}`);
    await page.getByText("live", { exact: true }).waitFor();
    await writeLongLog(request.run_id);
    await expect
      .poll(() => page.locator("#log .line").last().textContent(), { timeout: 50_000 })
      .toBe("the end of it all\n");
    expect(await page.locator("#log .line").count()).toBeLessThanOrEqual(5000);
    expect(await longestTask(window)).toBeLessThan(FROZEN_MS);
  });

  test("takes a line without an end", async () => {
    const request = await world.pages.addRun();
    await world.pages.begin(request);
    world.pages.write(request.run_id, { log: "begin " });
    await using window = await world.open();
    const { page } = window;
    await page.goto(`/runs/${request.run_id}`);
    await page.getByText("live", { exact: true }).waitFor();
    world.pages.append(request.run_id, `${"x".repeat(1_900_000)} end`);
    await expect.poll(() => page.locator("#log .line").last().textContent(), { timeout: 50_000 }).toMatch(/x end$/);
    expect(((await page.locator("#log").textContent()) ?? "").length).toBeLessThanOrEqual(1_000_000);
    expect(await longestTask(window)).toBeLessThan(FROZEN_MS);
  });
});
