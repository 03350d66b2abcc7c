import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { Writable } from "node:stream";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { bearer, makeAuthFolder, makeLogin, startTokenServer, toChatGptFile } from "./login-fixture.ts";

const CHATGPT_URL = "https://chatgpt.com/backend-api/codex";
const API_URL = "https://api.openai.com/v1";
const NOWHERE = "http://127.0.0.1:9/oauth/token";

test("the ChatGPT login is sent as token and account, to ChatGPT's own address", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
  const login = makeLogin(auth.path, NOWHERE);
  expect(await login.account()).toEqual({ kind: "chatgpt", baseUrl: CHATGPT_URL });
  expect(await login.authorization()).toEqual({
    authorization: bearer("a"),
    "chatgpt-account-id": "account-1234",
  });
});

test("OPENAI_API_KEY goes before any login, and its file is not even read", async () => {
  await using auth = await makeAuthFolder("no JSON");
  const login = makeLogin(auth.path, NOWHERE, { apiKey: "sk-of-the-environment" });
  expect(await login.account()).toEqual({ kind: "api-key", baseUrl: API_URL });
  expect(await login.authorization()).toEqual({ authorization: "Bearer sk-of-the-environment" });
  expect(await login.refused({ authorization: "Bearer sk-of-the-environment" })).toBe("ended");
  expect(login.secrets()).toEqual(["sk-of-the-environment"]);
});

test("a file with only an API key works as an API key", async () => {
  await using auth = await makeAuthFolder({ auth_mode: "apikey", OPENAI_API_KEY: "sk-of-the-file" });
  const login = makeLogin(auth.path, NOWHERE);
  expect(await login.account()).toEqual({ kind: "api-key", baseUrl: API_URL });
  const headers = await login.authorization();
  expect(headers).toEqual({ authorization: "Bearer sk-of-the-file" });
  expect(await login.refused(headers)).toBe("ended");
});

test("OPENAI_BASE_URL is where requests go, with a login that was named, too", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
  const login = makeLogin(auth.path, NOWHERE, { baseUrl: "http://127.0.0.1:1/v1" });
  expect(await login.account()).toEqual({ kind: "chatgpt", baseUrl: "http://127.0.0.1:1/v1" });
});

test("Codex's own file is found without being named, and used for OpenAI's own API only", async () => {
  await using auth = await makeAuthFolder();
  await mkdir(join(auth.folder, ".codex"));
  await auth.write(toChatGptFile("a", 3600));
  await rename(auth.path, join(auth.folder, ".codex", "auth.json"));
  const found = { authPath: null, homePath: auth.folder };

  expect((await makeLogin("", NOWHERE, found).account()).kind).toBe("chatgpt");
  const other = makeLogin("", NOWHERE, { ...found, baseUrl: "http://127.0.0.1:1/v1" });
  expect(await other.account()).toEqual({ kind: "none", baseUrl: "http://127.0.0.1:1/v1" });
  expect(await other.authorization()).toEqual({});
  expect(await other.refused({})).toBe("ended");
});

test("no login at all is told apart from one that was named and is not there", async () => {
  await using auth = await makeAuthFolder();
  const none = makeLogin("", NOWHERE, { authPath: null, homePath: auth.folder });
  expect(await none.account()).toEqual({ kind: "none", baseUrl: API_URL });
  await expect(makeLogin(auth.path, NOWHERE).authorization()).rejects.toMatchObject({
    failure: { reason: "model-auth", hint: "Run `codex login`, or set OPENAI_API_KEY." },
  });
});

test("a login made anew, another one, or none: what is kept now is what is used", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", 3600));
  const login = makeLogin(auth.path, NOWHERE);
  await login.authorization();
  await auth.write(toChatGptFile("b", 3600));
  expect((await login.authorization())["authorization"]).toEqual(bearer("b"));
  await auth.write({ OPENAI_API_KEY: "sk-now" });
  expect(await login.authorization()).toEqual({ authorization: "Bearer sk-now" });
  await rm(auth.path);
  await expect(login.authorization()).rejects.toThrow("There is no login for the model API");
});

test("a file that is being written is read when it is whole", async () => {
  const whole = JSON.stringify(toChatGptFile("a", 3600));
  await using auth = await makeAuthFolder(whole.slice(0, 40));
  const headers = makeLogin(auth.path, NOWHERE).authorization();
  setTimeout(() => void auth.write(whole), 80);
  expect(await headers).toMatchObject({ "chatgpt-account-id": "account-1234" });
});

test("a symbolic link is followed, and stays when the login is renewed", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", -10));
  await using server = await startTokenServer();
  await mkdir(join(auth.folder, "elsewhere"));
  const link = join(auth.folder, "elsewhere", "link.json");
  await symlink("../auth.json", link);
  await makeLogin(link, server.url).authorization();
  expect((await auth.read()).tokens["refresh_token"]).toBe("refresh-token-new-1");
  expect(server.requests).toHaveLength(1);
  await makeLogin(link, server.url).authorization();
  expect(server.requests).toHaveLength(1);
});

test("every token is masked before it is used, and none is logged", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", -10));
  await using server = await startTokenServer();
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const mask = createMask();
  const logger = createLogger({ level: "trace", mask: createMask(), destination });
  const login = makeLogin(auth.path, server.url, { mask, logger });
  const headers = await login.authorization();
  const secrets = [
    ...Object.values(headers).filter((value) => value.startsWith("Bearer ")),
    "refresh-token-a",
    "id-token-a",
    "refresh-token-new-1",
    "id-token-new-1",
  ].map((value) => value.replace("Bearer ", ""));
  for (const secret of secrets) expect(mask.text(`<${secret}>`)).toBe("<***>");
  expect(login.secrets()).toEqual(expect.arrayContaining(secrets));
  expect(lines.join("")).toContain("ChatGPT login was renewed");
  for (const secret of secrets) expect(lines.join("")).not.toContain(secret);
});
