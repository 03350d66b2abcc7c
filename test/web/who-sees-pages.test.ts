import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRunId } from "../../src/run/id.ts";
import { createRunKeys, type RunKeys } from "../../src/web/pages/run-keys.ts";
import { createSessions } from "../../src/web/pages/sessions.ts";
import { openPagesWorld, TOKEN, type PagesWorld } from "./pages-world.ts";

let world: PagesWorld;
const open = async (environment: Record<string, string> = {}): Promise<PagesWorld> => {
  await world?.[Symbol.asyncDispose]();
  world = await openPagesWorld(environment);
  return world;
};
beforeEach(async () => void (await open()));
afterEach(() => world[Symbol.asyncDispose]());

const bearer = { authorization: `Bearer ${TOKEN}` };
const DAY_MS = 24 * 60 * 60_000;

describe("who has DASHBOARD_TOKEN", () => {
  test("signs in by a form, and out again", async () => {
    const asked = await world.get("/runs?state=done");
    expect(asked.status).toBe(401);
    expect(await asked.text()).toContain('name="next" value="/runs?state=done"');

    const entered = await world.post("/runs/sign-in", { form: { token: ` ${TOKEN}\n`, next: "/runs?state=done" } });
    expect(entered.status).toBe(303);
    expect(entered.headers.get("location")).toBe("/runs?state=done");
    const [cookie = ""] = entered.headers.getSetCookie();
    expect(cookie).toMatch(/; Max-Age=86400; Path=\/runs; HttpOnly; Secure; SameSite=Strict$/);
    expect(cookie).not.toContain(TOKEN);

    const session = { cookie: cookie.split(";")[0] ?? "" };
    const list = await world.get("/runs", session);
    expect(list.status).toBe(200);
    const [, form = ""] = /name="form" value="([\w-]+)"/.exec(await list.text()) ?? [];
    expect((await world.post("/runs/sign-out", { form: {}, headers: session })).status).toBe(403);
    const left = await world.post("/runs/sign-out", { form: { form }, headers: session });
    expect(left.headers.getSetCookie()[0]).toMatch(/Max-Age=0/);
  });

  test("may send it with each request instead", async () => {
    const { run_id: runId } = await world.addRun();
    for (const path of ["/runs", `/runs/${runId}`]) expect((await world.get(path, bearer)).status).toBe(200);
    const wrong = await world.get("/runs", {
      ...(await world.signIn()),
      authorization: "Bearer dashboard-0123456789abcdee",
    });
    expect(wrong.status).toBe(401);
  });

  test("gets a cookie that plain HTTP carries, where the server is reached by it", async () => {
    await open({ PUBLIC_URL: "" });
    const entered = await world.post("/runs/sign-in", { form: { token: TOKEN, next: "" } });
    expect(entered.headers.getSetCookie()[0]).not.toContain("Secure");
  });
});

describe("a stranger", () => {
  test.each(["", "nonsense", `${TOKEN}x`])("does not come in with the token %j", async (token) => {
    const refused = await world.post("/runs/sign-in", { form: { token, next: "/runs" } });
    expect(refused.status).toBe(401);
    expect(refused.headers.getSetCookie()).toEqual([]);
    expect(await refused.text()).toContain("not the token of this server");
  });

  test("is not listened to any more after ten wrong tokens within a minute, while those who are in stay in", async () => {
    const { run_id: runId } = await world.addRun();
    const session = await world.signIn();
    const guess = (token: string): Promise<Response> => world.post("/runs/sign-in", { form: { token, next: "/runs" } });
    for (let tries = 0; tries < 5; tries++) expect((await guess(`guess-${tries}`)).status).toBe(401);
    for (let tries = 0; tries < 5; tries++)
      expect((await world.get("/runs", { authorization: `Bearer guess-${tries}` })).status).toBe(401);
    // Not even the right one: else a guesser would know it by that.
    for (const response of [await guess(TOKEN), await world.get("/runs", bearer)]) {
      expect(response.status).toBe(429);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect((await world.get("/runs", session)).status).toBe(200);
    expect((await world.get(world.toLink(runId))).status).toBe(200);
  });

  test("is asked the same for runs that are there and those that are not", async () => {
    const { run_id: runId } = await world.addRun();
    const answers = await Promise.all(
      [runId, createRunId()].map(async (id) => {
        const response = await world.get(`/runs/${id}`, { accept: "*/*" });
        return { status: response.status, text: await response.text() };
      }),
    );
    expect(answers[0]).toEqual({ status: 401, text: '{"error":"a token is needed"}' });
    expect(answers[1]).toEqual(answers[0]);
  });

  test.each(["https://evil.example", "//evil.example", "/runs//evil.example", "/\\evil.example", "/mcp", "/runsx"])(
    "is never sent on to %s",
    async (next) => {
      const entered = await world.post("/runs/sign-in", { form: { token: TOKEN, next } });
      expect(entered.headers.get("location")).toBe("/runs");
    },
  );

  test("is not let in by a cookie of another token, a changed one or an old one", async () => {
    const { cookie = "" } = await world.signIn();
    const name = cookie.split("=")[0] ?? "";
    const other = createSessions("another-0123456789abcdef").begin();
    const old = createSessions(TOKEN, { clock: () => Date.now() - 2 * DAY_MS }).begin();
    const later = `${Number(cookie.split("=")[1]?.split(".")[0]) + 1}${cookie.slice(cookie.indexOf("."))}`;
    for (const value of [other, old, later, "", `${createSessions(TOKEN).begin()}x`])
      expect((await world.get("/runs", { cookie: `${name}=${value}` })).status).toBe(401);
    expect((await world.get("/runs", { cookie: `${name}=${createSessions(TOKEN).begin()}` })).status).toBe(200);
  });

  test("sends no more than a form is long", async () => {
    const flood = await world.post("/runs/sign-in", { form: { token: "x".repeat(100_000) } });
    expect(flood.status).toBe(413);
  });
});

describe("who has the link to a run", () => {
  test("sees that run, its files and nothing else", async () => {
    const { run_id: runId } = await world.addResult();
    const { run_id: other } = await world.addResult();
    world.write(runId, { log: "hello\n", events: "{}\n", result: "{}\n", patch: "diff --git a/a b/a\n" });
    const link = world.toLink(runId);
    const [, query = ""] = link.split("?");
    const page = await world.get(link);
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain(`/runs/${runId}/log?${query}`);
    expect(html).not.toContain("Sign out");
    for (const name of ["log", "diff", "events", "result"])
      expect((await world.get(`/runs/${runId}/${name}?${query}`)).status).toBe(200);
    for (const path of ["/runs", `/runs/${other}`, `/runs/${other}/log`])
      expect((await world.get(`${path}?${query}`)).status).toBe(401);
  });

  test("is told when it has expired, and sees nothing", async () => {
    const { run_id: runId } = await world.addResult();
    world.write(runId, { log: "hello\n" });
    const keys = (daysAgo: number) => createKeys(world, { clock: () => Date.now() - daysAgo * DAY_MS });
    expect((await world.get(`/runs/${runId}?key=${keys(6).make(runId)}`)).status).toBe(200);
    const late = await world.get(`/runs/${runId}/log?key=${keys(9).make(runId)}`);
    expect(late.status).toBe(410);
    expect(await late.text()).toContain("This link has expired");
  });

  test.each([
    ["of nobody", "nonsense"],
    ["with another end", "9999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
  ])("is a stranger with a key %s", async (_, key) => {
    const { run_id: runId } = await world.addResult();
    expect((await world.get(`/runs/${runId}?key=${key}`)).status).toBe(401);
  });

  test("is a stranger with a key of another installation", async () => {
    const { run_id: runId } = await world.addResult();
    const key = createRunKeys("somebody else's secret").make(runId);
    expect((await world.get(`/runs/${runId}?key=${key}`)).status).toBe(401);
  });

  test("does not see changes in which a secret was found", async () => {
    const error = { reason: "secret-found", message: "A secret was found.", hint: "Ask again." } as const;
    const { run_id: runId } = await world.addResult({ status: "error", error });
    world.write(runId, { patch: "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+ghp_secret\n" });
    const link = world.toLink(runId);
    expect(await (await world.get(link)).text()).not.toContain("ghp_secret");
    expect((await world.get(link.replace("?", "/diff?"))).status).toBe(404);
    expect(await (await world.get(`/runs/${runId}/diff`, bearer)).text()).toContain("ghp_secret");
  });
});

describe("without DASHBOARD_TOKEN", () => {
  test("there is no list and no way in, and links work", async () => {
    await open({ DASHBOARD_TOKEN: "" });
    const { run_id: runId } = await world.addResult();
    for (const path of ["/runs", `/runs/${runId}`, `/runs/${runId}/log`, `/runs/${runId}?key=nonsense`]) {
      const response = await world.get(path);
      expect([path, response.status, await response.json()]).toEqual([path, 404, { error: "not found" }]);
    }
    expect((await world.post("/runs/sign-in", { form: { token: TOKEN } })).status).toBe(404);
    expect((await world.get(world.toLink(runId))).status).toBe(200);
    expect((await world.get(`/runs/${runId}`, bearer)).status).toBe(404);
  });

  test("and without PUBLIC_URL there are no pages at all", async () => {
    await open({ DASHBOARD_TOKEN: "", PUBLIC_URL: "" });
    const { run_id: runId } = await world.addResult();
    expect(world.product.links).toBeNull();
    for (const path of ["/runs", `/runs/${runId}`, "/assets/style.css"])
      expect((await world.get(path)).status).toBe(404);
  });
});

/** The keys of this installation at another time. */
function createKeys({ product }: PagesWorld, { clock }: { clock: () => number }): RunKeys {
  return createRunKeys(readFileSync(product.paths.sealKey, "utf8"), { clock });
}
