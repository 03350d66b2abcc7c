import { chmodSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { checkLogin } from "../../src/doctor/check-login.ts";
import { makeAuthFolder, toChatGptFile } from "../login/login-fixture.ts";

const toModel = (environment: Record<string, string>) => readConfig({ environment, folder: "/nonexistent" }).model;

test("a ChatGPT login that may be renewed passes; one that others can read fails, with the way to mend it", async () => {
  await using login = await makeAuthFolder(toChatGptFile("old", 3600));
  const model = toModel({ CODEX_AUTH_PATH: login.path });
  expect(await checkLogin(model)).toMatchObject({ verdict: "passed", detail: expect.stringContaining("chatgpt.com") });
  chmodSync(login.path, 0o644);
  expect(await checkLogin(model)).toMatchObject({ verdict: "failed", mend: expect.stringContaining("chmod 600") });
});

test("with a key there is no login to look at", async () => {
  expect(await checkLogin(toModel({ OPENAI_API_KEY: "sk-x" }))).toBeNull();
});
