import { describe, expect, test } from "vitest";
import type { OwnMount } from "../../src/container/engine.ts";
import { createPathTranslator } from "../../src/container/own-mounts.ts";

const own = "0123456789ab";
const mounts: OwnMount[] = [
  { source: "/home/me/runs", target: "/data/runs" },
  { source: "/var/lib/docker/volumes/deep/_data", target: "/data/runs/deep" },
  { source: "", target: "/data/runs/memory" },
];

/** An engine that knows one container, ours. */
const createEngine = (asked: string[] = []) => ({
  inspectOwnMounts: async (id: string) => {
    asked.push(id);
    return id === own ? mounts : null;
  },
});

describe("the engine's path of a folder of ours", () => {
  const translate = createPathTranslator(createEngine(), { readOwnIds: () => ["unknown", own] });

  test("lies where the nearest mount comes from", async () => {
    expect(await translate("/data/runs")).toBe("/home/me/runs");
    expect(await translate("/data/runs/.state/work/x")).toBe("/home/me/runs/.state/work/x");
    expect(await translate("/data/runs/a/../b/")).toBe("/home/me/runs/b");
    expect(await translate("/data/runs/deep/x")).toBe("/var/lib/docker/volumes/deep/_data/x");
    expect(await translate("/data/runs/deeper")).toBe("/home/me/runs/deeper");
  });

  test("does not exist for a folder on no mount, or on one in memory", async () => {
    const refusal = { failure: { reason: "container-refused", hint: expect.stringContaining("RUNS_PATH") } };
    await expect(translate("/data/other")).rejects.toMatchObject(refusal);
    await expect(translate("/data/runs/../other")).rejects.toMatchObject(refusal);
    await expect(translate("/data/runs/memory/x")).rejects.toMatchObject(refusal);
  });

  test("is the same where the engine does not know us", async () => {
    const outside = createPathTranslator(createEngine(), { readOwnIds: () => ["unknown"] });
    expect(await outside("/data/other")).toBe("/data/other");
    expect(await createPathTranslator(createEngine(), { readOwnIds: () => [] })("/x")).toBe("/x");
  });

  test("is asked for once, and again after the engine was away", async () => {
    const asked: string[] = [];
    const once = createPathTranslator(createEngine(asked), { readOwnIds: () => [own] });
    await Promise.all([once("/data/runs"), once("/data/runs/x")]);
    expect(asked).toEqual([own]);

    let answers = 0;
    const away = {
      inspectOwnMounts: async () => {
        answers += 1;
        if (answers === 1) throw new Error("away");
        return mounts;
      },
    };
    const again = createPathTranslator(away, { readOwnIds: () => [own] });
    await expect(again("/data/runs")).rejects.toThrow("away");
    expect(await again("/data/runs")).toBe("/home/me/runs");
  });
});
