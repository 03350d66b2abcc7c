import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createLogger, type Logger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import type { Bell } from "../../src/queue/bell.ts";
import { createLocalBell } from "../../src/queue/local-bell.ts";
import { openPgBossBell } from "../../src/queue/pg-boss-bell.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { openDatabaseDoor } from "./database-door.ts";

let postgres: PostgresServer;
let url: string;
beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.createDatabase();
});
afterAll(() => postgres[Symbol.asyncDispose]());

let schemas = 0;
const toSchema = (): string => `boss_${++schemas}`;

function watchLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  return { log: createLogger({ level: "info", mask: createMask([]), destination }), lines };
}

async function openBell(schema: string, log: Logger = watchLog().log): Promise<Bell> {
  const bell = await openPgBossBell({ url, log, schema });
  onTestFinished(() => bell[Symbol.asyncDispose]());
  return bell;
}

async function query(text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe("between machines", () => {
  test("a ring reaches every process, this one included, within a second", async () => {
    const schema = toSchema();
    const bells = await Promise.all([openBell(schema), openBell(schema), openBell(schema)]);
    const [ringing] = bells;
    const heard = bells.map((bell) => {
      const first = Promise.withResolvers<number>();
      bell.onRing(() => first.resolve(performance.now()));
      return first.promise;
    });
    const rangAt = performance.now();
    ringing?.ring();
    const delays = (await Promise.all(heard)).map((at) => at - rangAt);
    expect(Math.max(...delays)).toBeLessThan(1000);
  });

  test("another process hears it", async () => {
    const schema = toSchema();
    const bell = await openBell(schema);
    const child = spawn(process.execPath, [new URL("ring.ts", import.meta.url).pathname, url, schema], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("open");
    bell.ring();
    expect((await lines.next()).value).toBe("heard");
  });

  test("a burst of a thousand rings is a few messages", async () => {
    const schema = toSchema();
    const bell = await openBell(schema);
    const heard = vi.fn<() => void>();
    (await openBell(schema)).onRing(heard);
    await sleep(200);
    heard.mockClear();
    for (let ring = 0; ring < 1000; ring++) bell.ring();
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), { timeout: 20_000 });
    await sleep(300);
    expect(heard.mock.calls.length).toBeLessThan(5);
    expect(await query(`SELECT count(*)::int AS jobs FROM ${schema}.job WHERE state = 'created'`)).toEqual([
      { jobs: expect.toSatisfy((jobs) => Number(jobs) <= 1) },
    ]);
  });

  test("a ring that no notification carried is found as a ticket", async () => {
    const schema = toSchema();
    const bell = await openBell(schema);
    const heard = vi.fn<() => void>();
    bell.onRing(heard);
    await sleep(200);
    heard.mockClear();
    await query(`INSERT INTO ${schema}.job (name) VALUES ('run-waits')`);
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), { timeout: 20_000 });
  });

  test("eight processes that start at once make the schema together", async () => {
    const schema = toSchema();
    const { log, lines } = watchLog();
    const bells = await Promise.all(Array.from({ length: 8 }, () => openBell(schema, log)));
    await Promise.all(bells.map((bell) => bell.every("sweep", { seconds: 60 }, async () => {})));
    expect(bells).toHaveLength(8);
    expect(lines).toEqual([]);
  });

  test("a chore is done at once", async () => {
    const done = vi.fn<() => Promise<void>>(() => Promise.resolve());
    await (await openBell(toSchema())).every("sweep", { seconds: 60 }, done);
    await vi.waitFor(() => expect(done).toHaveBeenCalled(), { timeout: 20_000 });
  });

  test("a chore is done in a period by one process only", async () => {
    const schema = toSchema();
    const bells = await Promise.all([openBell(schema), openBell(schema), openBell(schema)]);
    const startedAt = Date.now();
    const done = vi.fn<() => Promise<void>>(() => Promise.resolve());
    for (const bell of bells) await bell.every("sweep", { seconds: 1 }, done);
    await sleep(4_000);
    const periods = Math.ceil((Date.now() - startedAt) / 1000) + 1;
    expect(done.mock.calls.length).toBeGreaterThanOrEqual(3);
    expect(done.mock.calls.length).toBeLessThanOrEqual(periods);
  });

  test("a chore that takes longer than its period is never done twice at once", async () => {
    const schema = toSchema();
    const bells = await Promise.all([openBell(schema), openBell(schema)]);
    const counts = { now: 0, most: 0, done: 0 };
    for (const bell of bells) {
      await bell.every("slow", { seconds: 1 }, async () => {
        counts.most = Math.max(counts.most, ++counts.now);
        await sleep(1_300);
        counts.now--;
        counts.done++;
      });
    }
    await sleep(3_500);
    expect(counts.most).toBe(1);
    expect(counts.done).toBeGreaterThan(0);
  });

  test("a chore that rejects is done again the next time", async () => {
    const bell = await openBell(toSchema());
    const body = vi.fn<() => Promise<void>>(() => Promise.reject(new Error("the API is away")));
    await bell.every("sweep", { seconds: 1 }, body);
    await vi.waitFor(() => expect(body.mock.calls.length).toBeGreaterThan(1), { timeout: 20_000 });
  });

  test("closing does not wait for a chore that hangs", async () => {
    const bell = await openPgBossBell({ url, log: watchLog().log, schema: toSchema() });
    const begun = Promise.withResolvers<void>();
    await bell.every("hangs", { seconds: 60 }, async () => {
      begun.resolve();
      await sleep(60_000, undefined, { ref: false });
    });
    await begun.promise;
    const from = performance.now();
    await bell[Symbol.asyncDispose]();
    expect(performance.now() - from).toBeLessThan(4_000);
  });

  test("a database that cannot be reached at the start is an error, and nothing is left running", async () => {
    const nowhere = "postgres://nobody@127.0.0.1:1/none";
    await expect(openPgBossBell({ url: nowhere, log: watchLog().log })).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe("when the database goes away and comes back", () => {
  test("the process goes on, says so in two lines, and hears what was rung meanwhile", async () => {
    const schema = toSchema();
    const { log, lines } = watchLog();
    await using door = await openDatabaseDoor(url);
    await using bell = await openPgBossBell({ url: door.url, log, schema });
    await bell.every("sweep", { seconds: 1 }, async () => {});
    await door.shut();
    bell.ring();
    await sleep(2_500);
    bell.ring();
    expect(lines).toEqual([expect.stringContaining("database of the queue failed")]);

    const heard = vi.fn<() => void>();
    bell.onRing(heard);
    await door.open();
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), { timeout: 20_000 });
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 20_000 });
    expect(lines[1]).toContain("database of the queue is back");
  });

  test("connections that the server cuts are made again", async () => {
    const { log, lines } = watchLog();
    const bell = await openBell(toSchema(), log);
    await postgres.cutConnections(url);
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 20_000 });
    const heard = vi.fn<() => void>();
    bell.onRing(heard);
    await vi.waitFor(
      () => {
        bell.ring();
        expect(heard).toHaveBeenCalled();
      },
      { timeout: 20_000 },
    );
  });
});

describe("on one machine", () => {
  test("a ring reaches this process after the caller is done", async () => {
    await using bell = createLocalBell();
    const heard = vi.fn<() => void>();
    bell.onRing(heard);
    bell.ring();
    expect(heard).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce(), { timeout: 20_000 });
  });

  test("a chore is done at once and every so often, never beside itself, also after it failed", async () => {
    await using bell = createLocalBell();
    const begun = vi.fn<() => void>();
    await bell.every("sweep", { seconds: 0.05 }, async () => {
      begun();
      await sleep(120);
      throw new Error("away");
    });
    expect(begun).toHaveBeenCalledOnce();
    await sleep(100);
    expect(begun).toHaveBeenCalledOnce();
    await vi.waitFor(() => expect(begun.mock.calls.length).toBeGreaterThan(2), { timeout: 20_000 });
  });

  test("after its end nothing is heard and nothing begins", async () => {
    const bell = createLocalBell();
    const called = vi.fn<() => Promise<void>>(() => Promise.resolve());
    bell.onRing(called);
    await bell.every("sweep", { seconds: 0.02 }, called);
    bell.ring();
    await bell[Symbol.asyncDispose]();
    called.mockClear();
    await sleep(100);
    expect(called).not.toHaveBeenCalled();
  });
});
