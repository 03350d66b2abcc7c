import { mkdtempSync, rmSync, statSync } from "node:fs";
import { mkdir, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createRunFiles, type RunFilesEverywhere } from "../../src/orchestrator/run-files.ts";
import { createRunId, type RunId } from "../../src/run/id.ts";
import type { RunResult } from "../../src/run/result.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { makeStateFolders, toStatePaths, type StatePaths } from "../../src/store/paths.ts";
import { toRunFile, type RunFile } from "../../src/store/run-files.ts";
import { createSharedFiles, type SharedFiles } from "../../src/store/shared-files.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";

const MEBI = 1024 ** 2;
const GIBI = 1024 ** 3;

let postgres: PostgresServer;
let database: Database;
let shared: SharedFiles;
let folder: string;
let paths: StatePaths;
let runId: RunId;
/** What was read from the database, in bytes, and the streams it came by. */
let read: { bytes: number; streams: Readable[] };

beforeAll(async () => {
  postgres = await startPostgres();
  database = await openDatabase({ kind: "postgres", url: await postgres.createDatabase() });
  const files = createSharedFiles(database);
  shared = {
    ...files,
    open: async (id, options) => {
      const stream = await files.open(id, options);
      if (stream === null) return null;
      read.streams.push(stream);
      return Readable.from(countBytes(stream), { objectMode: false });
    },
  };
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "run-files-"));
  paths = toStatePaths(folder);
  await makeStateFolders(paths);
  runId = createRunId();
  read = { bytes: 0, streams: [] };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* countBytes(stream: Readable): AsyncGenerator<Buffer> {
  for await (const part of stream) {
    if (!Buffer.isBuffer(part)) continue;
    read.bytes += part.length;
    yield part;
  }
}

const places = ["a folder", "the database"] as const;
type Place = (typeof places)[number];

/** The files as a process sees them that has them, or has nothing but the database. */
function openFiles(place: Place): RunFilesEverywhere {
  return createRunFiles({
    ...{ paths, shared: place === "a folder" ? null : shared, own: null, isHere: async () => false },
    log: createLogger({ level: "silent", mask: createMask() }),
  });
}

/** Lays a file of the run there, and nowhere else. */
async function lay(file: RunFile, { content, place }: { content: string | Buffer; place: Place }): Promise<void> {
  const path = toRunFile(paths, { runId, file });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  if (place === "a folder") return;
  await shared.replace(runId, { name: path.slice(dirname(path).length + 1), path });
  await rm(path);
}

describe.each(places)("the pages of a file in %s", (place) => {
  test("are read one after the other without a loss, a double or a cut character", async () => {
    const content = "zażółć 🚀 日本語\n".repeat(20_000);
    await lay("log", { content, place });
    const files = openFiles(place);
    const texts: string[] = [];
    for (let offset: number | null = 0; offset !== null;) {
      const page = await files.readPage(runId, "log", { offset, limit: 65_537 });
      expect(page).toMatchObject({ offset, size: Buffer.byteLength(content) });
      texts.push(page?.text ?? "");
      offset = page?.nextOffset ?? null;
    }
    expect(texts.join("")).toBe(content);
    expect(texts.length).toBeGreaterThan(5);
  });

  test("begin with the next whole character, take at least one, and show what is no UTF-8", async () => {
    await lay("log", {
      content: Buffer.concat([Buffer.from("a🚀ż"), Buffer.from([0xff, 0x80]), Buffer.from("z")]),
      place,
    });
    const files = openFiles(place);
    const at = (offset: number, limit: number) => files.readPage(runId, "log", { offset, limit });
    expect(await at(1, 1)).toEqual({ text: "🚀", offset: 1, nextOffset: 5, size: 10 });
    for (const inside of [2, 3, 4])
      expect(await at(inside, 2)).toEqual({ text: "ż", offset: 5, nextOffset: 7, size: 10 });
    expect(await at(7, 100)).toEqual({ text: "\u{fffd}\u{fffd}z", offset: 7, nextOffset: null, size: 10 });
    expect(await at(8, 1)).toEqual({ text: "\u{fffd}", offset: 8, nextOffset: 9, size: 10 });
  });

  test("are empty behind its end, and nothing when it is not there", async () => {
    await lay("log", { content: "short\n", place });
    const files = openFiles(place);
    const behind = { text: "", offset: 6, nextOffset: null, size: 6 };
    for (const offset of [6, 7, Number.MAX_SAFE_INTEGER])
      expect(await files.readPage(runId, "log", { offset, limit: 10 })).toEqual(behind);
    expect(await files.readPage(runId, "patch", { offset: 0, limit: 10 })).toBeNull();
    expect(await files.readTail(runId, "patch", { maxBytes: 10 })).toBeNull();
    expect(await files.size(runId, "patch")).toBeNull();
    expect(await files.size(runId, "log")).toBe(6);
    await lay("events", { content: "", place });
    expect(await files.readPage(runId, "events", { offset: 0, limit: 10 })).toEqual({ ...behind, offset: 0, size: 0 });
    expect(await files.readTail(runId, "events", { maxBytes: 10 })).toEqual({ text: "", truncated: false });
  });

  test("end with its tail", async () => {
    await lay("log", { content: "żółw\n", place });
    const files = openFiles(place);
    expect(await files.readTail(runId, "log", { maxBytes: 8 })).toEqual({ text: "żółw\n", truncated: false });
    expect(await files.readTail(runId, "log", { maxBytes: 5 })).toEqual({ text: "łw\n", truncated: true });
    expect(await files.readTail(runId, "log", { maxBytes: 1 })).toEqual({ text: "\n", truncated: true });
  });
});

describe("a page costs what the page holds", () => {
  test("of a file of 64 GiB on this machine", async () => {
    await lay("log", { content: "begin\n", place: "a folder" });
    const path = toRunFile(paths, { runId, file: "log" });
    await truncate(path, 64 * GIBI);
    await using handle = await open(path, "r+");
    await handle.write(Buffer.from("ż the end\n"), 0, 11, 64 * GIBI - 11);
    expect(statSync(path).size).toBe(64 * GIBI);
    const files = openFiles("a folder");
    const before = process.memoryUsage.rss();
    for (let round = 0; round < 200; round++) {
      expect(await files.readPage(runId, "log", { offset: 0, limit: 6 })).toMatchObject({
        text: "begin\n",
        nextOffset: 6,
      });
      const end = await files.readPage(runId, "log", { offset: 64 * GIBI - 11, limit: 65_536 });
      expect(end).toMatchObject({ text: "ż the end\n", nextOffset: null });
    }
    expect(await files.readTail(runId, "log", { maxBytes: 10 })).toEqual({ text: " the end\n", truncated: true });
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * MEBI);
  });

  test("of a file of 100 MiB in the database, a few of its stored pieces of 1 MiB, and the stream is ended", async () => {
    await lay("log", { content: Buffer.alloc(100 * MEBI, `${"x".repeat(1022)}\n`), place: "the database" });
    const files = openFiles("the database");
    for (const offset of [0, 50 * MEBI - 10, 99.5 * MEBI]) {
      read = { bytes: 0, streams: [] };
      const page = await files.readPage(runId, "log", { offset, limit: 65_536 });
      expect(page?.text.length).toBe(65_536);
      expect(page).toMatchObject({ offset, nextOffset: offset + 65_536, size: 100 * MEBI });
      await expect.poll(() => read.streams.map((stream) => stream.destroyed)).toEqual([true]);
      expect(read.bytes).toBeLessThan(3 * MEBI);
    }
    expect((await files.readTail(runId, "log", { maxBytes: 1000 }))?.text).toHaveLength(1000);
  }, 60_000);
});

describe.each(["a folder", "the database"] as const)(
  "a result that the record keeps without its log, on %s",
  (place) => {
    const toResult = (output: Partial<RunResult["output"]>): RunResult => {
      const result = createResult(createRequest({ run_id: runId }));
      return { ...result, output: { ...result.output, ...output } };
    };
    const complete = (maxLogBytes?: number) =>
      openFiles(place).completeResult(toResult({}), maxLogBytes === undefined ? {} : { maxLogBytes });

    test("is completed as result.json has it", async () => {
      const written = toResult({ full_log: "as it was written ✓\n", log_truncated: true });
      await lay("result", { content: JSON.stringify(written), place });
      await lay("log", { content: "log.txt\n", place });
      expect(await complete()).toEqual(written);
    });

    test("is completed from the log's end while result.json is not there, or is broken", async () => {
      await lay("log", { content: `ż${"x".repeat(MEBI - 1)}`, place });
      const completed = await complete();
      expect(completed.output.full_log).toBe("x".repeat(MEBI - 1));
      expect(completed.output.log_truncated).toBe(true);
      await lay("result", { content: "{}", place });
      expect(await complete()).toEqual(completed);
    });

    test("waits for the result.json of a run that has just ended, and not for long", async () => {
      const ended = { ...toResult({}), finished_at: new Date().toISOString() };
      const written = { ...ended, output: { ...ended.output, full_log: "written late\n" } };
      const writing = sleep(100).then(() => lay("result", { content: JSON.stringify(written), place }));
      expect(await openFiles(place).completeResult(ended, { maxLogBytes: 100 })).toEqual(written);
      await writing;
    });

    test("holds no more of the log than it may, cut at a whole character", async () => {
      await lay("log", { content: "żółw\n", place });
      expect((await complete(5)).output).toMatchObject({ full_log: "łw\n", log_truncated: true });
      expect((await complete(100)).output).toMatchObject({ full_log: "żółw\n", log_truncated: false });
    });

    test("has the log of result.json where log.txt is gone", async () => {
      const written = toResult({ full_log: "żółw\n", log_truncated: false });
      await lay("result", { content: JSON.stringify(written), place });
      expect((await complete(5)).output).toMatchObject({ full_log: "łw\n", log_truncated: true });
      expect((await complete(100)).output).toEqual(written.output);
    });

    test("stays as it is when there are no files, also one that has its log in itself", async () => {
      expect(await complete()).toEqual(toResult({}));
      expect(await complete(5)).toEqual(toResult({}));
      const old = toResult({ full_log: "żółw\n", log_truncated: false });
      expect(await openFiles(place).completeResult(old)).toEqual(old);
      expect((await openFiles(place).completeResult(old, { maxLogBytes: 5 })).output).toMatchObject({
        full_log: "łw\n",
        log_truncated: true,
      });
    });
  },
);
