import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import { createModelBreaker } from "../../src/gateway/model-breaker.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createPauseCheck, type PauseCheckOptions } from "../../src/compose/pause.ts";
import { RunError } from "../../src/run/failure.ts";

/** A check on a machine whose engine answers, and whose disk is as it is said to be at that moment. */
function createCheck(options: Pick<PauseCheckOptions, "role">) {
  const disk: { full: boolean } = { full: false };
  const written = new PassThrough();
  const engine = {
    ...createDockerEngine({ endpoint: { kind: "socket", socketPath: "/nobody" } }),
    ping: async () => {},
  };
  const demandRoom = async (): Promise<void> => {
    if (disk.full) throw new RunError("disk-full", "Nothing was begun: only 1 MiB is free.");
  };
  const log = createLogger({ level: "info", mask: createMask(), destination: written });
  const check = createPauseCheck({ ...options, breaker: createModelBreaker(), engine, disk: { demandRoom }, log });
  return { check, disk, readLog: () => String(written.read() ?? "") };
}

test("a machine whose disk is nearly full takes no new run, and says so once, until it has room again", async () => {
  const { check, disk, readLog } = createCheck({ role: "worker" });
  expect(await check()).toBe("none");
  disk.full = true;
  expect([await check(), await check()]).toEqual(["new-runs", "new-runs"]);
  const said = readLog();
  expect(said.match(/the disk is nearly full/g)).toHaveLength(1);
  expect(said).toContain("only 1 MiB is free");
  disk.full = false;
  expect(await check()).toBe("none");
  expect(readLog()).toContain("runs are taken again");
});

test("somebody who waits at a terminal is not paused: the run says what is wrong", async () => {
  const { check, disk } = createCheck({ role: "run" });
  disk.full = true;
  expect(await check()).toBe("none");
});
