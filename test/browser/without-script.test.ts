import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowserWorld, type BrowserWorld } from "./browser-world.ts";
import { seedRuns, type Seeds } from "./seeds.ts";
import { TOKEN } from "../web/pages-world.ts";

let world: BrowserWorld;
let seeds: Seeds;
beforeAll(async () => {
  world = await openBrowserWorld();
  seeds = await seedRuns(world.pages);
});
afterAll(() => world[Symbol.asyncDispose]());

test("without JavaScript one signs in, finds a run, reads its log and its change, and signs out", async () => {
  await using window = await world.open({ javaScriptEnabled: false, as: "stranger" });
  const { page } = window;
  await page.goto("/runs?state=done");
  await page.getByLabel("Dashboard token").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  expect(await page.getByRole("alert").textContent()).toContain("not the token of this server");
  await page.getByLabel("Dashboard token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  expect(new URL(page.url()).search).toBe("?state=done");
  await page.getByLabel("Repository").fill("octo-org/hello");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("link", { name: seeds.over.slice(-8) }).click();
  expect(await page.locator("#log").textContent()).toContain("Codex: I look around first.");
  expect(await page.locator(".diff").textContent()).toContain("young");

  await page.getByLabel("Find in the log").fill("ok 123 ");
  await page.getByRole("button", { name: "Find" }).click();
  await page.locator(".found a").click();
  expect(await page.locator("#log .line").first().textContent()).toMatch(/^ok 123 /);

  for (const name of ["Queue", "Last 30 days", "Runs"]) {
    await page.getByRole("navigation").getByRole("link", { name }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(name);
  }
  await page.getByRole("button", { name: "Sign out" }).click();
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Sign in");
});

test("without JavaScript a run is cancelled and asked for again, after one more step, and the page of one that goes is current", async () => {
  const request = await world.pages.addRun();
  await using window = await world.open({ javaScriptEnabled: false });
  const { page } = window;
  await page.goto(`/runs/${request.run_id}`);
  expect(await page.locator('noscript meta[http-equiv="refresh"]').count()).toBe(1);
  expect(await page.getByRole("button", { name: "Cancel this run" }).isVisible()).toBe(false);
  await page.getByText("Cancel…").click();
  await page.getByRole("button", { name: "Cancel this run" }).click();
  await expect.poll(() => world.pages.product.store.position(request.run_id)).toBeNull();

  await page.goto(`/runs/${seeds.over}`);
  await page.getByText("Run again…").click();
  await page.getByRole("button", { name: "Ask for the same again" }).click();
  await page.waitForURL((url) => !url.pathname.includes(seeds.over) && url.pathname !== "/runs");
  expect(await page.locator("#state").textContent()).toContain("queued");
});
