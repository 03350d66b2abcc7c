import { describe, expect, test } from "vitest";
import type { FoundContainer } from "../../src/container/engine.ts";
import { reapContainers, type ReapContainersOptions } from "../../src/container/reap-containers.ts";

/** An engine with some containers, one of which cannot be removed. */
function createShelf(containers: Partial<FoundContainer>[]) {
  const standing = containers.map((changed, index): FoundContainer => ({
    ...{ id: `c${index}`, runId: "run", attempt: 1, status: "running", createdAt: new Date(0) },
    ...changed,
  }));
  const removed: string[] = [];
  return {
    removed,
    engine: {
      listRunContainers: async () => standing,
      removeContainer: async (id: string) => {
        if (id === "stuck") throw new Error("device or resource busy");
        removed.push(id);
      },
    },
  };
}

const reap = async (containers: Partial<FoundContainer>[], options: Partial<ReapContainersOptions> = {}) => {
  const { engine, removed } = createShelf(containers);
  const reaped = await reapContainers(engine, { instanceId: "me", isWanted: () => false, ...options });
  expect(reaped.map(({ id }) => id)).toEqual(removed);
  return removed;
};

describe("reaping containers", () => {
  test("those that an open run wants stay, each attempt by itself", async () => {
    const containers = [
      { id: "kept", runId: "open", attempt: 2 },
      { id: "earlier", runId: "open", attempt: 1 },
      { id: "orphan", runId: "over" },
    ];
    const isWanted = async (runId: string, attempt: number) => runId === "open" && attempt === 2;
    expect(await reap(containers, { isWanted })).toEqual(["earlier", "orphan"]);
  });

  test("young ones are spared, unless their run is known to be over", async () => {
    const young = { createdAt: new Date() };
    const containers = [
      { id: "young", ...young },
      { id: "done", runId: "over", ...young },
    ];
    expect(await reap(containers)).toEqual([]);
    expect(await reap(containers, { isOver: (runId) => runId === "over" })).toEqual(["done"]);
    expect(await reap(containers, { minAgeMs: 0 })).toEqual(["young", "done"]);
  });

  test("one that cannot be removed, or judged, does not keep the others", async () => {
    const isWanted = (runId: string) => {
      if (runId === "riddle") throw new Error("the database is away");
      return false;
    };
    expect(await reap([{ id: "stuck" }, { runId: "riddle" }, { id: "last" }], { isWanted })).toEqual(["last"]);
  });
});
