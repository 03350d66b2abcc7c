import { chmod } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelLoginOptions } from "../../src/login/model-login.ts";
import type { LoginVault } from "../../src/login/login-vault.ts";
import { openDatabase, type Database } from "../../src/store/database.ts";
import { createLoginVault } from "../../src/store/login-vault.ts";
import { startProcess } from "./start-process.ts";
import { startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import {
  bearer,
  makeAuthFolder,
  makeLogin,
  sendJson,
  startTokenServer,
  toChatGptFile,
  type AuthFolder,
  type TokenServer,
} from "./login-fixture.ts";

const KEY = "the webhook secret of all machines";
let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres[Symbol.asyncDispose]());

type Machine = AsyncDisposable & { database: Database; vault: LoginVault };

async function startMachine(url: string): Promise<Machine> {
  const database = await openDatabase({ kind: "postgres", url });
  const vault = createLoginVault(database);
  if (vault === null) throw new Error("no vault");
  return { database, vault, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

function loginOf(machine: Machine, auth: AuthFolder, server: TokenServer, options: Partial<ModelLoginOptions> = {}) {
  return makeLogin(auth.path, server.url, { shared: { vault: machine.vault, keyMaterial: KEY }, ...options });
}

describe("a login that many machines share", () => {
  test("is renewed once, and kept sealed; the file that it came from is left as it was", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using other = await startMachine(url);
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using nothing = await makeAuthFolder();
    await using server = await startTokenServer();
    const usual = server.answer;
    server.answer = async (response, body) => {
      await sleep(300);
      await usual(response, body);
    };
    const seeded = loginOf(one, auth, server);
    expect(await seeded.account()).toMatchObject({ kind: "chatgpt" });
    const without = loginOf(other, nothing, server);
    const logins = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? seeded : without));
    const all = await Promise.all(logins.map((login) => login.authorization()));
    expect(all).toEqual(
      Array.from({ length: 20 }, () => ({ authorization: bearer("new-1"), "chatgpt-account-id": "account-1234" })),
    );
    expect(server.requests).toHaveLength(1);

    const { rows } = await sql<{ value: string }>`SELECT value FROM secrets`.execute(one.database.kysely);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.value).toMatch(/^v1\.[\w-]+$/);
    expect(Buffer.from(rows[0]?.value.slice(3) ?? "", "base64url").toString("latin1")).not.toContain("token");
    expect((await auth.read()).tokens["refresh_token"]).toBe("refresh-token-a");
  });

  test("that the model API refused is renewed once by two machines that were refused with it", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using other = await startMachine(url);
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const logins = [loginOf(one, auth, server), loginOf(other, auth, server)];
    const headers = await Promise.all(logins.map((login) => login.authorization()));
    expect(await Promise.all(logins.map((login, index) => login.refused(headers[index] ?? {})))).toEqual([
      "renewed",
      "renewed",
    ]);
    expect(server.requests).toHaveLength(1);
    for (const login of logins) expect((await login.authorization())["authorization"]).toEqual(bearer("new-1"));
  });

  test("is replaced when somebody logs in anew on any machine, and not by an old file", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using old = await makeAuthFolder(toChatGptFile("b", 3600));
    await using server = await startTokenServer();
    const login = loginOf(one, auth, server);
    await login.authorization();
    expect((await loginOf(one, old, server).authorization())["authorization"]).toEqual(bearer("new-1"));

    await old.write(toChatGptFile("anew", 3600, { last_refresh: new Date(Date.now() + 1_000).toISOString() }));
    expect((await loginOf(one, old, server).authorization())["authorization"]).toEqual(bearer("anew"));
    expect((await login.authorization())["authorization"]).toEqual(bearer("anew"));
  });

  test("may come from a file that cannot be written, but not from one that others can read", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const login = loginOf(one, auth, server);
    await chmod(auth.path, 0o440);
    await expect(login.authorization()).rejects.toThrow("can be read by other users");
    await chmod(auth.path, 0o400);
    expect((await login.authorization())["authorization"]).toEqual(bearer("a"));
    await chmod(auth.path, 0o444);
    expect((await login.authorization())["authorization"]).toEqual(bearer("a"));
  });

  test("is missing when no machine has one, and an API key in a file is that machine's own", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    await using nothing = await makeAuthFolder();
    await using key = await makeAuthFolder({ OPENAI_API_KEY: "sk-of-the-file" });
    await using server = await startTokenServer();
    await expect(loginOf(one, nothing, server).authorization()).rejects.toThrow("There is no login");
    expect(await loginOf(one, key, server).authorization()).toEqual({ authorization: "Bearer sk-of-the-file" });
    await expect(loginOf(one, nothing, server).authorization()).rejects.toThrow("There is no login");
  });

  test("cannot be opened with another secret, which is told; a new login takes its place", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    await loginOf(one, auth, server).authorization();
    const wrong = loginOf(one, auth, server, { shared: { vault: one.vault, keyMaterial: "another secret" } });
    await expect(wrong.authorization()).rejects.toMatchObject({
      failure: { reason: "model-auth", message: expect.stringContaining("sealed with another key") },
    });
    await auth.write(toChatGptFile("anew", 3600, { last_refresh: new Date(Date.now() + 1_000).toISOString() }));
    expect((await wrong.authorization())["authorization"]).toEqual(bearer("anew"));
  });

  test("that has ended says so on every machine", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using other = await startMachine(url);
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = (response) => sendJson(response, 400, { error: "invalid_grant" });
    for (const machine of [one, other])
      await expect(loginOf(machine, auth, server).authorization()).rejects.toMatchObject({
        failure: { reason: "model-auth", hint: expect.stringMatching(/^Run `codex login` again /) },
      });
  });
});

describe("the database", () => {
  test("that cuts all connections while a refresh is under way does not lose the new token", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using other = await startMachine(url);
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const usual = server.answer;
    server.answer = async (response, body) => {
      await postgres.cutConnections(url);
      await usual(response, body);
    };
    expect((await loginOf(one, auth, server).authorization())["authorization"]).toEqual(bearer("new-1"));
    expect((await loginOf(other, auth, server).authorization())["authorization"]).toEqual(bearer("new-1"));
    expect(server.requests).toHaveLength(1);
  });

  test("that another machine wrote to, which took this one for gone, still gets the new token", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const usual = server.answer;
    server.answer = async (response, body) => {
      const entry = await one.vault.read();
      await one.vault.write(entry?.value ?? "", { over: entry });
      await usual(response, body);
    };
    expect((await loginOf(one, auth, server).authorization())["authorization"]).toEqual(bearer("new-1"));
    expect((await loginOf(one, auth, server).authorization())["authorization"]).toEqual(bearer("new-1"));
    expect(server.requests).toHaveLength(1);
  });

  test("that is away does not matter while the token that was read is good", async () => {
    const one = await startMachine(await postgres.createDatabase());
    await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
    await using server = await startTokenServer();
    const login = loginOf(one, auth, server);
    const fresh = loginOf(one, auth, server);
    const headers = await login.authorization();
    await one[Symbol.asyncDispose]();
    expect(await login.authorization()).toEqual(headers);
    await expect(fresh.authorization()).rejects.toMatchObject({ failure: { reason: "model-unavailable" } });
  });
});

describe("the vault", () => {
  test("takes a text only in the place of the one that was read", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    const { vault } = one;
    expect(await vault.read()).toBeNull();
    expect(await Promise.all([vault.write("a", { over: null }), vault.write("b", { over: null })])).toContain(false);
    const first = await vault.read();
    expect(await vault.write("c", { over: first })).toBe(true);
    expect(await vault.write("d", { over: first })).toBe(false);
    expect(await vault.write("d", { over: null })).toBe(false);
    expect(await vault.read()).toMatchObject({ value: "c", fence: 2 });
  });

  test("lets one in at a time, longer than a transaction may be silent", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using other = await startMachine(url);
    const log: string[] = [];
    const second: Promise<unknown>[] = [];
    await one.vault.lock(
      async () => {
        log.push("one in");
        second.push(other.vault.lock(async () => log.push("other"), { waitMs: 60_000 }));
        const late = other.vault.lock(async () => log.push("late"), { waitMs: 100 });
        await Promise.all([expect(late).rejects.toThrow(/lock timeout/), sleep(12_000)]);
        log.push("one out");
      },
      { waitMs: 60_000 },
    );
    await Promise.all(second);
    expect(log).toEqual(["one in", "one out", "other"]);
  }, 60_000);

  test("is free again at once when the process in it is killed", async () => {
    const url = await postgres.createDatabase();
    await using one = await startMachine(url);
    await using holder = await startProcess(["hold-vault", url]);
    holder.go();
    expect(await holder.next()).toBe("locked");
    const waiting = one.vault.lock(async () => performance.now(), { waitMs: 60_000 });
    await sleep(200);
    const sinceMs = performance.now();
    await holder.kill();
    expect((await waiting) - sinceMs).toBeLessThan(1_000);
  });

  test("runs its body once, and gives what the body rejects with", async () => {
    await using one = await startMachine(await postgres.createDatabase());
    let runs = 0;
    const body = async (): Promise<never> => {
      runs += 1;
      throw new Error("the body's own");
    };
    await expect(one.vault.lock(body, { waitMs: 1_000 })).rejects.toThrow("the body's own");
    expect(runs).toBe(1);
  });
});
