import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { CheckName } from "../../src/doctor/check-names.ts";
import { fail, pass, type Check } from "../../src/doctor/check.ts";
import { runChecks } from "../../src/doctor/run-checks.ts";
import { RunError } from "../../src/run/failure.ts";

const toCheck = (name: CheckName, changes: Partial<Check> = {}): Check => ({
  name,
  needs: [],
  timeoutMs: 5_000,
  run: async () => pass(`${name} works`),
  ...changes,
});

describe("the results", () => {
  test("stand in the order of the list, whichever check is over first", async () => {
    const heard: CheckName[] = [];
    const slow = toCheck("node", { run: async () => (await sleep(50), pass("slow")) });
    const results = await runChecks([slow, toCheck("git")], { onResult: ({ name }) => heard.push(name) });
    expect(results.map(({ name }) => name)).toEqual(["node", "git"]);
    expect(heard).toEqual(["node", "git"]);
  });

  test("have a mend when the check failed, and null when it passed", async () => {
    const bad = toCheck("git", { run: async () => fail("no git", { mend: "Install git." }) });
    expect(await runChecks([toCheck("node"), bad])).toEqual([
      { name: "node", ok: true, detail: "node works", mend: null },
      { name: "git", ok: false, detail: "no git", mend: "Install git." },
    ]);
  });

  test("tell the words and the remedy of a RunError", async () => {
    const run = () => Promise.reject(new RunError("docker-unavailable", "Docker is away.", { hint: "Start it." }));
    expect(await runChecks([toCheck("docker", { run })])).toEqual([
      { name: "docker", ok: false, detail: "Docker is away.", mend: "Start it." },
    ]);
  });

  test("tell of any other error, thrown or rejected, as a failure", async () => {
    const thrown = toCheck("node", {
      run: () => {
        throw new TypeError("boom");
      },
    });
    const rejected = toCheck("git", { run: () => Promise.reject(new Error("bang")) });
    const results = await runChecks([thrown, rejected]);
    expect(results.map(({ ok, detail }) => [ok, detail])).toEqual([
      [false, "it could not be tried: boom"],
      [false, "it could not be tried: bang"],
    ]);
  });
});

describe("checks that need others", () => {
  test("run side by side when they need none", async () => {
    const startedAt = performance.now();
    const run = async () => (await sleep(150), pass("slow"));
    await runChecks([toCheck("node", { run }), toCheck("git", { run }), toCheck("disk", { run })]);
    expect(performance.now() - startedAt).toBeLessThan(400);
  });

  test("wait for what they need, wherever that stands in the list", async () => {
    const order: string[] = [];
    const disk = toCheck("disk", { run: async () => (await sleep(30), order.push("disk"), pass("ok")) });
    const gateway = toCheck("gateway", { needs: ["disk"], run: async () => (order.push("gateway"), pass("ok")) });
    await runChecks([gateway, disk]);
    expect(order).toEqual(["disk", "gateway"]);
  });

  test("are not tried when it failed, and name the failure at the bottom", async () => {
    let tried = 0;
    const run = async () => (tried++, pass("ok"));
    const results = await runChecks([
      toCheck("docker", { run: async () => fail("away", { mend: "Start it." }) }),
      toCheck("image", { needs: ["docker"], run }),
      toCheck("gateway", { needs: ["image"], run }),
    ]);
    expect(tried).toBe(0);
    expect(results.slice(1)).toEqual([
      { name: "image", ok: false, detail: "not checked: docker", mend: "Mend docker first." },
      { name: "gateway", ok: false, detail: "not checked: docker", mend: "Mend docker first." },
    ]);
  });
});

describe("a check that takes too long", () => {
  test("is told to stop, gets time for tidying up, and fails", async () => {
    let tidied = false;
    const run: Check["run"] = async ({ signal }) => {
      await sleep(10_000, undefined, { signal }).catch(() => {});
      await sleep(50);
      tidied = true;
      throw new Error("aborted");
    };
    const [result] = await runChecks([toCheck("model", { timeoutMs: 50, run })]);
    expect(tidied).toBe(true);
    expect(result).toMatchObject({ ok: false, detail: "it was not over within 0.05 s" });
    expect(result?.mend).not.toBeNull();
  });

  test("is given up when it does not hear", async () => {
    const run = () => new Promise<never>(() => {});
    const startedAt = performance.now();
    const [result] = await runChecks([toCheck("docker", { timeoutMs: 50, run })], { tidyMs: 50 });
    expect(result?.ok).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test("holds up no other", async () => {
    const hung = toCheck("docker", { timeoutMs: 100, run: () => new Promise<never>(() => {}) });
    const results = await runChecks([hung, toCheck("image", { needs: ["docker"] }), toCheck("git")], { tidyMs: 10 });
    expect(results.map(({ ok }) => ok)).toEqual([false, false, true]);
  });
});
