import { readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { parseLogin } from "../../src/login/stored-login.ts";
import { bearer, makeAuthFolder, makeLogin, sendJson, startTokenServer, toChatGptFile } from "./login-fixture.ts";
import { startProcess } from "./start-process.ts";

describe("20 runs at once in two processes, with a token that has ended,", () => {
  test("make one refresh, and all go on with the new token", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const usual = server.answer;
    server.answer = async (response, body) => {
      await sleep(300);
      await usual(response, body);
    };
    await using one = await startProcess(["twenty-runs", auth.path, server.url]);
    await using other = await startProcess(["twenty-runs", auth.path, server.url]);
    one.go();
    other.go();
    const tokens = (await Promise.all([one.next(), other.next()])).flat();
    expect(tokens).toEqual(Array.from({ length: 20 }, () => bearer("new-1")));
    expect(server.requests).toHaveLength(1);
  });

  test("all end with model-auth and the hint when the refresh fails", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = (response) => sendJson(response, 400, { error: "invalid_grant" });
    await using one = await startProcess(["twenty-runs", auth.path, server.url]);
    await using other = await startProcess(["twenty-runs", auth.path, server.url]);
    one.go();
    other.go();
    const failures = (await Promise.all([one.next(), other.next()])).flat();
    expect(failures).toHaveLength(20);
    for (const failure of failures)
      expect(failure).toMatchObject({ reason: "model-auth", hint: expect.stringMatching(/^Run `codex login` again /) });
    expect(server.requests.length).toBeLessThanOrEqual(2);
  });
});

describe("kill -9", () => {
  test("of the process that holds the lock lets the next one in at once", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    await using holder = await startProcess(["hold-lock", auth.path, server.url]);
    holder.go();
    expect(await holder.next()).toBe("locked");
    const waiting = makeLogin(auth.path, server.url).authorization();
    await sleep(300);
    expect(server.requests).toEqual([]);
    await holder.kill();
    const sinceMs = performance.now();
    expect((await waiting)["authorization"]).toEqual(bearer("new-1"));
    expect(performance.now() - sinceMs).toBeLessThan(1_000);
  });

  test("of the process whose refresh is under way lets the next one try, and tells what was lost", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const asked = new Promise<void>((resolve) => {
      server.answer = () => resolve();
    });
    await using first = await startProcess(["twenty-runs", auth.path, server.url]);
    first.go();
    await asked;
    await first.kill();

    server.answer = (response) => sendJson(response, 401, { error: { code: "refresh_token_reused" } });
    await expect(makeLogin(auth.path, server.url).authorization()).rejects.toThrow("a refresh was cut off before");
    expect(server.requests).toHaveLength(2);
  });

  test("at any moment of a renewal leaves a whole file with mode 0600, that the next process goes on with", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.leftS = -10;
    const ends: string[] = [];
    for (let round = 0; round < 10; round++) {
      await using renewer = await startProcess(["renew-for-ever", auth.path, server.url]);
      renewer.go();
      await renewer.next();
      const untilMs = performance.now() + 10 + Math.random() * 60;
      while (performance.now() < untilMs) {
        expectWhole(auth.path);
        await sleep(1);
      }
      await renewer.kill();
      expectWhole(auth.path);

      const next = await makeLogin(auth.path, server.url)
        .authorization()
        .then(
          () => "goes on",
          (error: Error) => error.message.replace(/.*: (a refresh was cut off) .*/, "$1"),
        );
      ends.push(next);
      if (next !== "goes on") await auth.write(toChatGptFile(`again-${round}`, -10));
    }
    // Cut off is one that the server had answered already, with the answer in nobody's hands yet.
    expect(new Set([...ends, "a refresh was cut off"])).toEqual(new Set(["goes on", "a refresh was cut off"]));
    expect(server.requests.length).toBeGreaterThan(20);
  }, 90_000);
});

function expectWhole(path: string): void {
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(parseLogin(readFileSync(path, "utf8")).kind).toBe("chatgpt");
}
