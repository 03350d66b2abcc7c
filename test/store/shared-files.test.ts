import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRunId, type RunId } from "../../src/run/id.ts";
import { createClaimStore, LeaseLostError } from "../../src/store/claims.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { readProcessIdentity } from "../../src/store/process-identity.ts";
import { createRunStore } from "../../src/store/runs.ts";
import { createSharedFiles, type SharedFiles } from "../../src/store/shared-files.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { createRequest } from "../helpers/requests.ts";

const MEBI = 1024 ** 2;
const child = new URL("share-file.ts", import.meta.url).pathname;

let postgres: PostgresServer;
let url: string;
let database: Database;
let files: SharedFiles;
let folder: string;
let runId: RunId;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
  database = await openDatabase({ kind: "postgres", url });
  files = createSharedFiles(database);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shared-"));
  runId = createRunId();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function read(name: string, from = 0): Promise<Buffer | null> {
  const stream = await files.open(runId, { name, from });
  return stream === null ? null : buffer(stream);
}

function writeLog(text: string | Buffer): { name: string; path: string } {
  const path = join(folder, "log.txt");
  writeFileSync(path, text);
  return { name: "log.txt", path };
}

/** Lines as a log has them: a part of each repeats, a part does not. */
async function writeLongLog(bytes: number): Promise<{ name: string; path: string; sha256: string }> {
  const path = join(folder, "long.txt");
  const hash = createHash("sha256");
  await using file = await open(path, "w");
  for (let written = 0; written < bytes;) {
    const piece = Array.from(
      { length: 1024 },
      () => `{"type":"item.completed","id":"${randomBytes(16).toString("hex")}"}\n`,
    );
    const raw = Buffer.from(piece.join("")).subarray(0, bytes - written);
    hash.update(raw);
    await file.write(raw);
    written += raw.length;
  }
  return { name: "long.txt", path, sha256: hash.digest("hex") };
}

describe("a growing file", () => {
  test("arrives in parts, each byte once, whoever uploads them", async () => {
    const log = writeLog("first\n");
    await files.append(runId, log);
    await files.append(runId, log);
    appendFileSync(log.path, "second ✓\n");
    await createSharedFiles(database).append(runId, log);
    expect((await read("log.txt"))?.toString()).toBe("first\nsecond ✓\n");
    expect(await files.list(runId)).toEqual([{ name: "log.txt", bytes: 17 }]);
  });

  test("is read from any byte on", async () => {
    const raw = randomBytes(2.5 * MEBI);
    await files.append(runId, writeLog(raw));
    for (const from of [1, MEBI - 1, MEBI, MEBI + 1, 2.2 * MEBI, raw.length - 1, raw.length, raw.length + 5].map(
      Math.floor,
    )) {
      expect((await read("log.txt", from))?.equals(raw.subarray(from))).toBe(true);
    }
  });

  test("that begins anew takes the place of the old one, also when it is longer", async () => {
    const log = writeLog("the first try\n");
    await files.append(runId, log);
    writeLog("the second try, which says more\n");
    await files.append(runId, log);
    expect((await read("log.txt"))?.toString()).toBe("the second try, which says more\n");
    writeLog("third\n");
    await files.append(runId, log);
    expect((await read("log.txt"))?.toString()).toBe("third\n");
  });

  test("that is not there yet is nothing, and no link is followed", async () => {
    await files.append(runId, { name: "log.txt", path: join(folder, "none.txt") });
    expect(await read("log.txt")).toBeNull();
    symlinkSync("/etc/passwd", join(folder, "link.txt"));
    await expect(files.append(runId, { name: "log.txt", path: join(folder, "link.txt") })).rejects.toThrow(/ELOOP/);
    await expect(files.append(runId, { name: "log.txt", path: "/dev/null" })).rejects.toThrow(/not a regular file/);
    expect(await files.list(runId)).toEqual([]);
  });

  test("of 100 MB goes in and comes out in flat memory", async () => {
    const log = await writeLongLog(100 * MEBI);
    const written = await runChild("append", log);
    const seen = await runChild("read", log);
    expect(seen.sha256).toBe(log.sha256);
    expect(Math.max(written.peakBytes, seen.peakBytes)).toBeLessThan(220 * MEBI);
    const { rows } = await sql<{ bytes: number }>`SELECT sum(length(bytes))::int AS bytes FROM run_files
      WHERE run_id = ${runId}`.execute(database.kysely);
    expect(rows[0]?.bytes).toBeLessThan(60 * MEBI);
  }, 60_000);

  test("whose upload is killed in the middle can be read so far, and the next upload goes on", async () => {
    const log = await writeLongLog(40 * MEBI);
    const uploader = spawn(process.execPath, [child, "append", url, runId, log.name, log.path], { stdio: "ignore" });
    while (((await files.list(runId))[0]?.bytes ?? 0) < 3 * MEBI) await sleep(5);
    const ended = once(uploader, "exit");
    uploader.kill("SIGKILL");
    await ended;

    const whole = readFileSync(log.path);
    const prefix = await read(log.name);
    expect(prefix?.length).toBeLessThan(whole.length);
    expect(prefix?.equals(whole.subarray(0, prefix.length))).toBe(true);
    await files.append(runId, log);
    expect((await read(log.name))?.equals(whole)).toBe(true);
  }, 60_000);

  test("is the same on every machine, also while it grows", async () => {
    const log = writeLog("");
    await using other = await openDatabase({ kind: "postgres", url });
    const elsewhere = createSharedFiles(other);
    for (let line = 1; line <= 5; line++) {
      appendFileSync(log.path, `line ${line}\n`);
      await files.append(runId, log);
      const stream = await elsewhere.open(runId, { name: "log.txt" });
      expect(stream && (await buffer(stream)).toString()).toBe(readFileSync(log.path, "utf8"));
    }
  });
});

describe("uploads at the same time", () => {
  test("of one run wait for each other, and those that would do the same become one", async () => {
    const log = writeLog(randomBytes(3 * MEBI));
    const uploads: Promise<void>[] = [];
    for (let round = 0; round < 20; round++) uploads.push(files.append(runId, log));
    appendFileSync(log.path, "the end\n");
    uploads.push(
      files.append(runId, log),
      files.replace(runId, { ...log, name: "copy.txt" }),
      files.append(runId, log),
    );
    await Promise.all(uploads);
    const whole = readFileSync(log.path);
    expect((await read("log.txt"))?.equals(whole)).toBe(true);
    expect((await read("copy.txt"))?.equals(whole)).toBe(true);
  });

  test("one that fails does not hold up the next", async () => {
    const log = writeLog("text\n");
    const failed = files.replace(runId, { name: "none", path: join(folder, "none") });
    const next = files.append(runId, log);
    await expect(failed).rejects.toThrow("is not there");
    await next;
    expect((await read("log.txt"))?.toString()).toBe("text\n");
  });
});

describe("a whole file", () => {
  test("takes the place of what was there, empty ones too", async () => {
    const patch = { name: "changes.patch", path: join(folder, "changes.patch") };
    const raw = randomBytes(2 * MEBI + 7);
    writeFileSync(patch.path, raw);
    await files.replace(runId, patch);
    expect((await read(patch.name))?.equals(raw)).toBe(true);
    writeFileSync(patch.path, "");
    await files.replace(runId, patch);
    expect((await read(patch.name))?.length).toBe(0);
    expect(await files.list(runId)).toEqual([{ name: "changes.patch", bytes: 0 }]);
    await expect(files.replace(runId, { name: "x", path: join(folder, "none") })).rejects.toThrow("is not there");
  });

  test("is written back to disk complete, or not at all", async () => {
    const raw = randomBytes(3 * MEBI);
    await files.append(runId, writeLog(raw));
    const target = join(folder, "back.txt");
    expect(await files.restore(runId, { name: "log.txt", path: target })).toBe(true);
    expect(readFileSync(target).equals(raw)).toBe(true);
    expect(await files.restore(runId, { name: "none", path: join(folder, "none") })).toBe(false);
  });

  test("that is replaced while it is read breaks the stream off, and mixes nothing", async () => {
    await files.replace(runId, writeLog(randomBytes(6 * MEBI)));
    const stream = await files.open(runId, { name: "log.txt" });
    const pieces = stream?.[Symbol.asyncIterator]();
    await pieces?.next();
    await files.replace(runId, writeLog(randomBytes(6 * MEBI)));
    await expect(
      (async () => {
        while ((await pieces?.next())?.done === false);
      })(),
    ).rejects.toThrow("was replaced");
  });

  test("that was damaged in the database is an error, and not other bytes", async () => {
    await files.append(runId, writeLog("a log\n"));
    await sql`UPDATE run_files SET bytes = overlay(bytes PLACING '\\x5858'::bytea FROM 36) WHERE run_id = ${runId}`.execute(
      database.kysely,
    );
    await expect(read("log.txt")).rejects.toThrow("is damaged");
  });
});

describe("who may write", () => {
  test("only the process that owns the run; what a process writes after it lost the run is refused", async () => {
    const runs = createRunStore(database);
    const self = readProcessIdentity();
    const frozen = { ...self, id: `elsewhere/1/1`, machine: "elsewhere" };
    const [first, second] = [frozen, self].map((process) => createClaimStore(database, { process, leaseMs: 200 }));
    const request = createRequest();
    runId = request.run_id;
    await runs.add(request, { deliveryId: null, home: null, maxQueued: 10 });
    await first?.beat();
    await first?.claimNext({ scope: "all", limits: { total: 1, perRepository: 1 } });
    const log = writeLog("by the first\n");
    await createSharedFiles(database, { owner: frozen.id }).append(runId, log);

    await sleep(300);
    await second?.beat();
    await expect(second?.claimAbandoned({ scope: "all" })).resolves.toMatchObject({ request: { run_id: runId } });
    appendFileSync(log.path, "too late\n");
    const late = createSharedFiles(database, { owner: frozen.id });
    await expect(late.append(runId, log)).rejects.toThrow(LeaseLostError);
    await expect(late.replace(runId, log)).rejects.toThrow(LeaseLostError);
    await expect(late.saveFolder(runId, { prefix: "codex-sessions", path: folder })).rejects.toThrow(LeaseLostError);
    expect((await read("log.txt"))?.toString()).toBe("by the first\n");
    await createSharedFiles(database, { owner: self.id }).append(runId, log);
    expect((await read("log.txt"))?.toString()).toBe("by the first\ntoo late\n");
  });
});

async function runChild(
  action: "append" | "read",
  log: { name: string; path: string },
): Promise<{ peakBytes: number; sha256: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, action, url, runId, log.name, log.path]);
  return JSON.parse(stdout);
}
