import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { RunId } from "../../src/run/id.ts";
import { appendColoured, EVERY_LOOK } from "../web/append-coloured.ts";
import { openBrowserWorld, type BrowserWorld, type OpenOptions, type Window } from "./browser-world.ts";
import { checkContrast } from "./check-page.ts";

let world: BrowserWorld;
let over: RunId;
beforeAll(async () => {
  world = await openBrowserWorld();
  ({ run_id: over } = await world.pages.addResult());
  await appendColoured(world.pages, { runId: over, lines: EVERY_LOOK });
});
afterAll(() => world[Symbol.asyncDispose]());

const patiently = { timeout: 20_000 };
const Texts = z.array(z.string());

/** Each coloured piece, and how the browser shows it. */
const readLooks = ({ page }: Window): Promise<string[]> =>
  page
    .evaluate(
      `[...document.querySelectorAll("#log .line *")].map((piece) => {
        const { color, backgroundColor, fontWeight, fontStyle, textDecorationLine } = getComputedStyle(piece);
        return [piece.textContent, color, backgroundColor, fontWeight, fontStyle, textDecorationLine].join(" ");
      })`,
    )
    .then((looks) => Texts.parse(looks));

const readLines = ({ page }: Window): Promise<string[]> =>
  page
    .evaluate(`[...document.querySelectorAll("#log .line")].map((line) => line.outerHTML)`)
    .then((lines) => Texts.parse(lines));

const open = async (runId: RunId, options: OpenOptions = {}): Promise<Window> => {
  const window = await world.open(options);
  await window.page.goto(`/runs/${runId}`);
  return window;
};

/** A run that goes, whose page is live. */
const watch = async (): Promise<{ runId: RunId; window: Window }> => {
  const request = await world.pages.addRun();
  await world.pages.begin(request);
  world.pages.write(request.run_id, { log: "" });
  const window = await open(request.run_id);
  await window.page.getByText("live", { exact: true }).waitFor();
  return { runId: request.run_id, window };
};

describe.each(["light", "dark"] as const)("a coloured log in the %s", (colorScheme) => {
  test("has every colour of a terminal, and all of it is readable", async () => {
    await using window = await open(over, { viewport: { width: 1280, height: 1200 }, colorScheme });
    const { wrong, pieces } = await checkContrast(window, { selector: "#log" });
    expect(wrong).toEqual([]);
    expect(pieces).toBeGreaterThan(390);
    const looks = await readLooks(window);
    const ofColours = looks.filter((look) => /^usual-\d+ /.test(look)).map((look) => look.replace(/^\S+/, ""));
    const ofGrounds = looks
      .filter((look) => look.startsWith(" faint on "))
      .map((look) => look.replace(/^ faint on \d+/, ""));
    expect([new Set(ofColours).size, new Set(ofGrounds).size]).toEqual([16, 16]);
    for (const [name, style] of [
      ["bold-1", / 700 normal none$/],
      ["italic-1", / italic none$/],
      ["both-1", / underline line-through$/],
    ] as const)
      expect(looks.find((look) => look.startsWith(`${name} `))).toMatch(style);
    expect(window.complaints).toEqual([]);
  });

  test("looks the same without JavaScript", async () => {
    await using window = await open(over, { colorScheme });
    await using plain = await open(over, { colorScheme, javaScriptEnabled: false });
    expect(await readLines(plain)).toEqual(await readLines(window));
    expect(await plain.page.locator("#log .fg-1.bold").first().textContent()).toBe("bold-1");
  });
});

describe("a coloured log that comes live", () => {
  test("is as the server makes it, and grows within a line", async () => {
    const { runId, window } = await watch();
    await using _ = window;
    await appendColoured(world.pages, { runId, lines: EVERY_LOOK });
    await expect.poll(() => window.page.locator("#log").textContent(), patiently).toMatch(/on night\n$/);
    await using other = await open(over);
    expect(await readLines(window)).toEqual(await readLines(other));

    world.pages.append(runId, "$ half");
    await expect.poll(() => window.page.locator("#log").textContent(), patiently).toMatch(/half$/);
    await appendColoured(world.pages, { runId, lines: ["\u001b[31m of a line\u001b[0m"] });
    await expect.poll(() => window.page.locator("#log .line").last().textContent(), patiently).toMatch(/line\n$/);
    expect((await readLines(window)).at(-1)).toBe(
      '<span class="line command">$ half<span class="fg-1"> of a line</span>\n</span>',
    );
    expect(window.complaints).toEqual([]);
  });

  test("has no look but those of the style sheet, and no markup", async () => {
    const request = await world.pages.addRun();
    await world.pages.begin(request);
    const looks = ["skip", "fg-16", "fg-1 skip", "bold  faint", " bold", "fg-1\n", "__proto__", '"><b>', "fg-1 bold"];
    const pieces = [["<i>plain</i> "], ...looks.map((look) => ["<b>piece</b> ", look]), ["\n", ""]];
    await using window = await world.open();
    await window.page.route(`**/runs/${request.run_id}/log*`, (route) =>
      route.fulfill({
        contentType: "text/event-stream",
        body: `retry: 60000\nevent: log\ndata: ${JSON.stringify(pieces)}\n\n`,
      }),
    );
    await window.page.goto(`/runs/${request.run_id}`);
    await window.page.locator("#log .line").waitFor();
    expect(await window.page.locator("#log").textContent()).toBe(`<i>plain</i> ${"<b>piece</b> ".repeat(9)}\n`);
    expect(await window.page.locator("#log .line *").evaluateAll((found) => found.length)).toBe(1);
    expect(await window.page.locator("#log .line *").getAttribute("class")).toBe("fg-1 bold");
  });

  test("has the end of it where each letter has a colour of its own", async () => {
    const { runId, window } = await watch();
    await using _ = window;
    const line = Array.from({ length: 100 }, (_unused, at) => `\u001b[3${1 + (at % 6)}mx`).join("");
    // Bit by bit, since what comes after 16,000 pieces of one part of the log is sent without its colours.
    for (let part = 0; part < 10; part++) {
      const end = `part ${part}`;
      await appendColoured(world.pages, { runId, lines: [...Array.from({ length: 60 }, () => line), end] });
      await expect.poll(() => window.page.locator("#log .line").last().textContent(), patiently).toBe(`${end}\n`);
    }
    const count = await window.page.locator("#log .line *").count();
    expect(count).toBeGreaterThan(19_000);
    expect(count).toBeLessThanOrEqual(20_000);
  });
});
