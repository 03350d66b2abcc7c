import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPostgresDialect } from "../../src/store/postgres.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";

let postgres: PostgresServer;
let way: { url: string; goSilent(): void } & AsyncDisposable;
beforeAll(async () => {
  postgres = await startPostgres();
  way = await openWay(await postgres.createDatabase());
});
afterAll(async () => {
  await way[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** A way to the server on which connections can go silent: nothing comes any more, and no end either. */
async function openWay(target: string): Promise<typeof way> {
  const url = new URL(target);
  const { hostname, port } = url;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) open.add(socket.on("error", () => {}));
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    goSilent: () => {
      for (const socket of open) socket.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

test("a statement that a server leaves without a word fails, and the next one has another connection", async () => {
  const kysely = new Kysely({ dialect: createPostgresDialect(way.url, { silenceMs: 500 }) });
  try {
    await sql`SELECT 1`.execute(kysely);
    way.goSilent();
    const startedAt = performance.now();
    await expect(sql`SELECT 2`.execute(kysely)).rejects.toThrow("the server said nothing for 0.5 s");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect((await sql<{ three: number }>`SELECT 3 AS three`.execute(kysely)).rows).toEqual([{ three: 3 }]);
  } finally {
    await kysely.destroy();
  }
});

test("what takes long is waited for where no limit is given", async () => {
  const kysely = new Kysely({ dialect: createPostgresDialect(way.url, { silenceMs: null }) });
  try {
    expect((await sql`SELECT pg_sleep(1)`.execute(kysely)).rows).toHaveLength(1);
  } finally {
    await kysely.destroy();
  }
});
