import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { joinPieces, toFrame } from "./output-frames.ts";

/** An engine that takes every request and answers none, or as it is told. */
async function openSilentEngine(answer: RequestListener = () => {}): Promise<ContainerEngine> {
  const folder = await mkdtemp(join(tmpdir(), "silent-"));
  const server = createServer(answer);
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
    outputWithinMs: 1_000,
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

const logged = (text: string) => toFrame({ stream: "stdout", bytes: `2026-01-01T00:00:00.000000000Z ${text}` });

/** Has a container of whose log it gives the beginning alone; once it gave it whole, or never. */
function toHalfLog({ isRunning, wholeOnce }: { isRunning: boolean; wholeOnce: boolean }): RequestListener {
  let asked = 0;
  return (request, response) => {
    if (request.url?.includes("/logs") === true) {
      response.write(logged("half\n"));
      if (wholeOnce && asked++ === 0) response.end(logged("and half\n"));
    } else if (request.url?.includes("/attach") === true) {
      setTimeout(() => response.end(toFrame({ stream: "stdout", bytes: "later\n" })), 1_200);
      response.flushHeaders();
    } else response.end(JSON.stringify({ State: { Running: isRunning } }));
  };
}

const away = {
  failure: {
    reason: "docker-unavailable",
    message: "The Docker engine could not be reached: it did not answer within 1 s.",
  },
};

test("an engine that stops in the middle of the log of a container that has ended counts as away", async () => {
  const never = await openSilentEngine(toHalfLog({ isRunning: false, wholeOnce: false }));
  await expect(never.followOutput("a")).rejects.toMatchObject(away);
  const once = await openSilentEngine(toHalfLog({ isRunning: false, wholeOnce: true }));
  const { pieces } = await once.followOutput("a");
  await expect(joinPieces(pieces)).rejects.toMatchObject(away);
});

test("one that does so while the container goes on gives what comes later, and a word about the gap", async () => {
  const engine = await openSilentEngine(toHalfLog({ isRunning: true, wholeOnce: true }));
  const { pieces } = await engine.followOutput("a");
  expect(await joinPieces(pieces)).toEqual({
    stdout: "half\nlater\n",
    stderr: expect.stringMatching(/^\n\[the engine gave its log up to here only: .*\]\n$/),
  });
});

test("one that says nothing when it is asked for an output counts as away", async () => {
  const engine = await openSilentEngine();
  await expect(engine.attachContainer("a")).rejects.toMatchObject(away);
});
