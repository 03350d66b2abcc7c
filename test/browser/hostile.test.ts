import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunId } from "../../src/run/id.ts";
import { openBrowserWorld, type BrowserWorld, type Window } from "./browser-world.ts";
import { HOSTILE, seedHostileRun } from "./seeds.ts";

let world: BrowserWorld;
let runId: RunId;
beforeAll(async () => {
  world = await openBrowserWorld();
  runId = await seedHostileRun(world.pages);
});
afterAll(() => world[Symbol.asyncDispose]());

/** What is shown of the hostile text: its letters, without the terminal's command, and with the turned order named. */
const SHOWN = HOSTILE.replace(/\u001b.*\u0007/, "").replace("\u202e", "[U+202E]");

/** Elements that none of our pages has, and whose presence shows that text became markup. */
const foreign = `document.querySelectorAll("img, script:not([src]), iframe, style, [onerror], [style], a[href^='javascript:']").length`;

async function expectHarmless({ page, complaints }: Window): Promise<void> {
  expect(await page.title()).not.toContain("owned");
  expect(await page.evaluate(foreign)).toBe(0);
  expect(complaints).toEqual([]);
}

describe("what a run says, in a browser", () => {
  test("is text in its summary, its prompt, its branch, its log, its diff and its search", async () => {
    await using window = await world.open();
    const { page } = window;
    await page.goto(`/runs/${runId}?find=needle`);
    for (const place of [".outcome", ".facts", "#prompt-title + pre", "#log", ".diff .d2h-file-header", ".found"])
      expect(await page.locator(place).first().textContent()).toContain(SHOWN.slice(0, 60));
    expect(await page.locator("#log").textContent()).toBe(`${SHOWN}\nneedle ${SHOWN}\n`);
    await expectHarmless(window);
  });

  test.each(["/runs", "/runs/queue", "/runs/totals"])("is text on %s", async (path) => {
    await using window = await world.open();
    const response = await window.page.goto(path);
    expect(response?.status()).toBe(200);
    await expectHarmless(window);
  });

  test("is text when it comes live", async () => {
    const request = await world.pages.addRun();
    await world.pages.begin(request);
    world.pages.write(request.run_id, { log: "Codex: I begin.\n" });
    await using window = await world.open();
    const { page } = window;
    await page.goto(`/runs/${request.run_id}`);
    await page.getByText("live", { exact: true }).waitFor();
    world.pages.append(request.run_id, `$ ${HOSTILE}\n`);
    await expect.poll(() => page.locator("#log").textContent(), { timeout: 20_000 }).toContain(`$ ${SHOWN}\n`);
    expect(await page.locator("#log .command").count()).toBe(1);
    await expectHarmless(window);
  });

  test("is text when somebody opens its files", async () => {
    await using window = await world.open();
    for (const name of ["log", "diff"]) {
      await window.page.goto(`/runs/${runId}/${name}`);
      expect(await window.page.locator("body").textContent()).toContain("<script>");
      expect(await window.page.evaluate("document.title + document.querySelectorAll('script, img').length")).toBe("0");
    }
  });
});

test("the policy of the pages stops a script and a style that got in all the same", async () => {
  await using window = await world.open();
  await window.page.goto("/runs");
  await window.page.evaluate(`for (const attempt of [
    () => document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'owned'" })),
    () => { document.body.innerHTML = "<img src=x onerror='document.title = 1'>"; },
    () => document.body.setAttribute("style", "color: red"),
    () => document.body.append(Object.assign(document.createElement("iframe"), { src: "https://evil.example/" })),
  ]) try { attempt(); } catch {}`);
  const refused = (): string[] =>
    window.complaints.flatMap((text) => /^policy: ([\w-]+)/.exec(text)?.[1] ?? []).toSorted();
  await expect
    .poll(refused)
    .toEqual(["frame-src", "require-trusted-types-for", "require-trusted-types-for", "style-src-attr"]);
  expect(await window.page.title()).not.toContain("owned");
});
