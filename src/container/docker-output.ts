import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { z } from "zod";
import { LOG_FILE_BYTES } from "./container-spec.ts";
import { toEngineError } from "./docker-errors.ts";
import { openStreamWithin, readSteadily } from "./docker-stream.ts";
import type { ContainerEngine, OutputPiece, OutputReplay, OutputSource } from "./engine.ts";
import { readLogPieces } from "./log-pieces.ts";
import { readPieces } from "./output-pieces.ts";
import { replayPieces } from "./replay-pieces.ts";

type OutputEngine = Pick<ContainerEngine, "attachContainer" | "followOutput">;

/**
 * The part of the engine that gives what containers write. `withinMs`: how long it may give nothing where there is no
 * reason for a pause; after that it counts as one that is away.
 */
export function createDockerOutput(docker: Docker, { withinMs }: { withinMs: number }): OutputEngine {
  return {
    attachContainer: (id) => attachContainer(docker, { id, withinMs }),
    followOutput: (id) => followOutput(docker, { id, withinMs }),
  };
}

type ContainerOptions = { id: string; withinMs: number };

async function attachContainer(docker: Docker, container: ContainerOptions): Promise<OutputSource> {
  try {
    const stream = await openAttached(docker, container);
    return { pieces: readPieces(stream), close: () => stream.destroy() };
  } catch (cause) {
    throw toEngineError(cause, { doing: "give the container's output", refusal: "internal" });
  }
}

/**
 * Docker can follow a log by itself, but with 20.10 what it gives then is wrong around each change of the log's file:
 * lines were seen twice, out of order, or not at all, the last ones among them. So the log is read as it stands, and
 * what comes after is taken from the container itself. That connection is made first and not read yet: a container that
 * writes much stands still until its log was read.
 *
 * A line that is half written while the connection is made may lose its first half, when its second comes later than
 * the log is read.
 */
async function followOutput(docker: Docker, container: ContainerOptions): Promise<OutputReplay> {
  const open: Readable[] = [];
  const readLog = async (): Promise<AsyncIterable<OutputPiece>> => {
    const log = await openLog(docker, container);
    open.push(log);
    return readLogPieces(readSteadily(log, container));
  };
  const close = (): void => open.forEach((stream) => stream.destroy());
  try {
    const live = await connectLive(docker, container);
    if (live !== null) open.push(live);
    const { keptFrom, firstBytes } = await measureStart(await readLog());
    const pieces = replayPieces(await readLog(), { live: live === null ? null : readPieces(live) });
    return { pieces: nameErrors(pieces), close, keptFrom, firstBytes };
  } catch (cause) {
    close();
    throw toEngineError(cause, logFailure);
  }
}

const logFailure = { doing: "give the container's log", refusal: "internal" } as const;

async function* nameErrors(pieces: AsyncIterable<OutputPiece>): AsyncGenerator<OutputPiece> {
  try {
    yield* pieces;
  } catch (cause) {
    throw toEngineError(cause, logFailure);
  }
}

/** How long what was written before the connection was made may take to arrive in the log. */
const LOGGED_WITHIN_MS = 250;

/** Null for a container that has ended: Docker 20.10 would never end a connection to one. */
async function connectLive(docker: Docker, container: ContainerOptions): Promise<Readable | null> {
  if (!(await isRunning(docker, container))) return null;
  const live = await openAttached(docker, container);
  if (await isRunning(docker, container)) {
    await sleep(LOGGED_WITHIN_MS);
    return live;
  }
  live.destroy();
  return null;
}

const Inspected = z.object({ State: z.object({ Running: z.boolean() }) });

async function isRunning(docker: Docker, { id, withinMs }: ContainerOptions): Promise<boolean> {
  const options = { abortSignal: AbortSignal.timeout(withinMs) };
  return Inspected.parse(await docker.getContainer(id).inspect(options)).State.Running;
}

const both = { stdout: true, stderr: true };

function openAttached(docker: Docker, { id, withinMs }: ContainerOptions): Promise<Readable> {
  const query = { ...both, stream: true };
  return openStreamWithin(docker, { method: "POST", path: `/containers/${id}/attach`, query, withinMs });
}

function openLog(docker: Docker, { id, withinMs }: ContainerOptions): Promise<Readable> {
  const query = { ...both, timestamps: true };
  return openStreamWithin(docker, { method: "GET", path: `/containers/${id}/logs`, query, withinMs });
}

const FIRST_BYTES = 64 * 1024;
/** What a line costs in the log's file besides its own bytes: about 30; more is safe. */
const LINE_COST_BYTES = 40;
const LINE_FEED = 10;

/**
 * Tells whether a log begins where the output began. One that dropped its beginning has a whole file put aside, so what
 * it gives would fill at least that; less was never cut. Reads no more than it must.
 */
async function measureStart(
  pieces: AsyncIterable<OutputPiece>,
): Promise<Pick<OutputReplay, "keptFrom" | "firstBytes">> {
  let filledBytes = 0;
  let firstBytes = Buffer.alloc(0);
  for await (const { stream, bytes } of pieces) {
    const roomBytes = FIRST_BYTES - firstBytes.length;
    if (stream === "stdout" && roomBytes > 0) firstBytes = Buffer.concat([firstBytes, bytes.subarray(0, roomBytes)]);
    filledBytes += bytes.length + countLines(bytes) * LINE_COST_BYTES;
    if (filledBytes >= LOG_FILE_BYTES * 0.9) return { keptFrom: "unsure", firstBytes };
  }
  return { keptFrom: "start", firstBytes };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}
