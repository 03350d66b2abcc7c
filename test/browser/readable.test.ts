import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBrowserWorld, PHONE, type BrowserWorld, type Window } from "./browser-world.ts";
import { checkPage } from "./check-page.ts";
import { seedRuns, type Seeds } from "./seeds.ts";

let world: BrowserWorld;
let seeds: Seeds;
beforeAll(async () => {
  world = await openBrowserWorld();
  seeds = await seedRuns(world.pages);
});
afterAll(() => world[Symbol.asyncDispose]());

const places: [name: string, path: () => string, as: "owner" | "stranger"][] = [
  ["the list", () => "/runs", "owner"],
  ["an empty list", () => "/runs?state=timeout", "owner"],
  ["the queue", () => "/runs/queue", "owner"],
  ["the last 30 days", () => "/runs/totals", "owner"],
  ["a run that is over", () => `/runs/${seeds.over}`, "owner"],
  ["what was found in a log", () => `/runs/${seeds.over}?find=test#log-title`, "owner"],
  ["a run that goes", () => `/runs/${seeds.going}`, "owner"],
  ["a run that waits", () => `/runs/${seeds.waiting}`, "owner"],
  ["the way in", () => "/runs", "stranger"],
  ["a guest's page", () => world.pages.toLink(seeds.over), "stranger"],
];

const WIDE = { viewport: { width: 1280, height: 800 } };

/** Widths decide how pages are laid out, schemes their colours: each is seen with each on the page that has the most on it. */
const looks = [
  { look: "on a phone in the dark", size: PHONE, colorScheme: "dark", of: places },
  { look: "on a wide screen in the light", size: WIDE, colorScheme: "light", of: places },
  { look: "on a phone in the light", size: PHONE, colorScheme: "light", of: places.slice(4, 5) },
  { look: "on a wide screen in the dark", size: WIDE, colorScheme: "dark", of: places.slice(4, 5) },
] as const;

describe.each(looks)("$look", ({ size, colorScheme, of }) => {
  const windows = new Map<string, Window>();
  afterAll(async () => {
    for (const window of windows.values()) await window[Symbol.asyncDispose]();
  });

  test.each(of)("%s keeps to WCAG AA and scrolls in one direction alone", async (_, toPath, as) => {
    const window = windows.get(as) ?? (await world.open({ ...size, colorScheme, as }));
    windows.set(as, window);
    window.complaints.length = 0;
    await window.page.goto(toPath());
    expect(await checkPage(window)).toEqual([]);
    const tooWide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await window.page.evaluate(tooWide)).toBe(0);
    // A browser tells of the status 401, too, which the way in comes with.
    expect(window.complaints.filter((text) => !text.includes("401"))).toEqual([]);
  });
});

test("the check finds what is wrong", async () => {
  await using window = await world.open();
  await window.page.goto("/runs");
  await window.page.evaluate(`for (const link of document.querySelectorAll("td a")) link.style.color = "#cccccc"`);
  await window.page.evaluate(`document.querySelector("#state").removeAttribute("id")`);
  const found = await checkPage(window);
  expect(found).toHaveLength(2);
  expect(found).toContainEqual(expect.stringMatching(/^color-contrast: /));
});
