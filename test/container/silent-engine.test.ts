import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";

/** An engine that takes every request and answers none. */
async function openSilentEngine(): Promise<ContainerEngine> {
  const folder = await mkdtemp(join(tmpdir(), "silent-"));
  const server = createServer(() => {});
  server.listen(join(folder, "docker.sock"));
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return createDockerEngine({
    endpoint: { kind: "socket", socketPath: join(folder, "docker.sock") },
    answerWithinMs: 100,
  });
}

const asked: Record<string, (engine: ContainerEngine) => Promise<unknown>> = {
  "whether it is there": (engine) => engine.ping(),
  "about itself": (engine) => engine.readEngineInfo(),
  "about an image": (engine) => engine.readImage("runner"),
  "for left images": (engine) => engine.listLeftImages({ label: "x" }),
};

test.each(Object.keys(asked))("an engine that is asked %s and says nothing counts as away", async (what) => {
  const engine = await openSilentEngine();
  await expect(asked[what]?.(engine)).rejects.toMatchObject({
    failure: {
      reason: "docker-unavailable",
      message: "The Docker engine could not be reached: it did not answer within 0.1 s.",
    },
  });
});
