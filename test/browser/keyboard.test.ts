import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { TOKEN } from "../web/pages-world.ts";
import { openBrowserWorld, type BrowserWorld, type Window } from "./browser-world.ts";
import { seedRuns, type Seeds } from "./seeds.ts";

let world: BrowserWorld;
let seeds: Seeds;
beforeAll(async () => {
  world = await openBrowserWorld();
  seeds = await seedRuns(world.pages);
});
afterAll(() => world[Symbol.asyncDispose]());

const Focus = z.object({ words: z.string(), isSeen: z.boolean(), isMarked: z.boolean() });

/** What has the focus: its words, whether it is in the window, and whether a line around it shows that. */
const readFocus = async ({ page }: Window) =>
  Focus.parse(
    await page.evaluate(`{
      const { activeElement: element } = document;
      const { top, bottom, left, right, width } = element.getBoundingClientRect();
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      ({
        words: (element.labels?.[0] ?? element).textContent.trim().replace(/\\s+/g, " ").slice(0, 40),
        isSeen: width > 0 && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
        isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      })
    }`),
  );

/** Goes through the page with the Tab key alone; the words of what had the focus, in that order. */
async function walk(window: Window, steps: number): Promise<string[]> {
  const words: string[] = [];
  for (let step = 0; step < steps; step++) {
    await window.page.keyboard.press("Tab");
    const focus = await readFocus(window);
    expect(focus).toMatchObject({ isSeen: true, isMarked: true });
    words.push(focus.words);
  }
  return words;
}

test("the keyboard alone leads from the way in to a run, in the order of reading, and the focus is seen everywhere", async () => {
  await using window = await world.open({ as: "stranger" });
  const { page } = window;
  await page.goto("/runs");
  expect((await readFocus(window)).words).toBe("Dashboard token");
  await page.keyboard.type(TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Runs" }).waitFor();
  expect(await walk(window, 9)).toEqual([
    ...["Skip to the content", "Runs", "Queue", "Last 30 days", "Sign out", "State", "Repository", "Show"],
    seeds.waiting.slice(-8),
  ]);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/runs/${seeds.waiting}`);
});

test("the link past the head leads to the content", async () => {
  await using window = await world.open();
  const { page } = window;
  await page.goto(`/runs/${seeds.over}`);
  await walk(window, 1);
  await page.keyboard.press("Enter");
  expect(await walk(window, 1)).toEqual(["Run again…"]);
});

test("a run is asked for again, its log scrolled and its change read with the keyboard", async () => {
  await using window = await world.open();
  const { page } = window;
  await page.goto(`/runs/${seeds.over}#main`);
  await walk(window, 1);
  await page.keyboard.press("Enter");
  expect(await walk(window, 1)).toEqual(["Ask for the same again"]);

  const words = await walk(window, 13);
  const logAt = words.findIndex((text) => text.startsWith("Codex: I look around first."));
  expect(words.slice(0, logAt)).toEqual([
    ...["on GitHub", "#43", "log", "events", "result", "End", "Whole log as text", "Find in the log", "Find"],
  ]);
  expect(words[logAt + 1]).toBe("Diff as text");
  await page.locator("#log").focus();
  await page.keyboard.press("End");
  await expect.poll(() => page.evaluate("document.getElementById('log').scrollTop")).toBeGreaterThan(500);
});
