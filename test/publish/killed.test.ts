import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Published } from "../../src/publish/publish.ts";
import type { Step } from "../../src/steps.ts";
import type { ChildOrder } from "./child.ts";
import { PublishLab } from "./publish-lab.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

let lab: PublishLab;
beforeEach(async () => {
  lab = await PublishLab.open();
});
afterEach(async () => lab[Symbol.asyncDispose]());

const recordPath = () => join(lab.path, "record.json");

/** What the dead process had on record. */
function readRecord(): Published {
  if (!existsSync(recordPath())) return { branch: null, commit: null, pullRequest: null };
  return JSON.parse(readFileSync(recordPath(), "utf8")) as Published;
}

type Death = { crashAt?: Step; killAfterMs?: number; attempt: "first" | "repeat" };

/** Publishes in a process of its own, until that is killed; resolves with how long it lived, in milliseconds. */
async function publishAndDie({ crashAt, killAfterMs, attempt }: Death): Promise<number> {
  const order: ChildOrder = {
    ...lab.toOrder(),
    ...{ crashAt: crashAt ?? null, recordPath: recordPath(), published: readRecord(), attempt },
  };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), ended]);
  const begunAt = performance.now();
  if (killAfterMs !== undefined) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill("SIGKILL");
  }
  await ended;
  child.stdout.destroy();
  return performance.now() - begunAt;
}

async function expectOneOfEach(published: Published): Promise<void> {
  expect(await lab.branches()).toEqual({ [published.branch ?? ""]: published.commit });
  expect(await lab.pullRequests()).toEqual([{ number: published.pullRequest?.number, state: "open" }]);
}

const steps: Step[] = ["token-minted", "commit-made", "push-sent", "branch-pushed", "pull-request-opened"];

test.each(steps)("killed at %s, the next process ends with one branch and one pull request", async (crashAt) => {
  await publishAndDie({ crashAt, attempt: "first" });
  const { failure, published } = await lab.publish({ attempt: "repeat", published: readRecord() });
  expect(failure).toBeNull();
  await expectOneOfEach(published);
});

test("killed again and again at any moment, while its git goes on pushing, there is one of each in the end", async () => {
  const livesMs = await publishAndDie({ attempt: "first" });
  await expectOneOfEach(readRecord());
  for (let round = 0; round < 3; round++) {
    await lab[Symbol.asyncDispose]();
    lab = await PublishLab.open();
    lab.github.delayPushes(100);
    for (let death = 0; death < 3; death++) {
      await publishAndDie({ killAfterMs: Math.random() * livesMs, attempt: death === 0 ? "first" : "repeat" });
    }
    const { failure, published } = await lab.publish({ attempt: "repeat", published: readRecord() });
    expect(failure).toBeNull();
    await expectOneOfEach(published);
  }
}, 240_000);
