import { chmod, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkReplaceable } from "../../src/login/check-file.ts";
import { parseLogin, toFingerprint, type ChatGptLogin } from "../../src/login/stored-login.ts";
import {
  bearer,
  makeAuthFolder,
  makeLogin,
  sendJson,
  startTokenServer,
  toChatGptFile,
  type AuthFolder,
} from "./login-fixture.ts";

type Spoil = (auth: AuthFolder) => Promise<void>;

describe("a file that could not be replaced, or that others can read, is refused before any refresh:", () => {
  test.each([
    ["readable by its group", (auth) => chmod(auth.path, 0o640), /read by other users/, /^Run `chmod 600`/],
    ["readable by all", (auth) => chmod(auth.path, 0o604), /read by other users/, /^Run `chmod 600`/],
    ["read-only", (auth) => chmod(auth.path, 0o400), /its file is read-only\.$/, /^Make .* writable/],
    ["with a second name", (auth) => link(auth.path, join(auth.folder, "copy")), /a hard link/, /login of its own/],
    ["a folder", (auth) => rm(auth.path).then(() => mkdir(auth.path)), /is not a file\.$/, /./],
    ["no login", (auth) => auth.write("{}"), /no complete set of tokens\.$/, /^Run `codex login` again/],
  ] satisfies [string, Spoil, RegExp, RegExp][])("%s", async (_, spoil, words, hint) => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    await spoil(auth);
    const login = makeLogin(auth.path, server.url);
    for (const use of [() => login.authorization(), () => login.account()])
      await expect(use()).rejects.toMatchObject({
        message: expect.stringMatching(words),
        failure: { reason: "model-auth", hint: expect.stringMatching(hint) },
      });
    expect(server.requests).toEqual([]);
  });

  test("that of another user", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    const stats = await stat(auth.path);
    stats.uid += 1;
    const error = await checkReplaceable(auth.path, { stats });
    expect(error?.failure).toMatchObject({
      reason: "model-auth",
      message: "The login for the model API cannot be used: its file belongs to another user.",
    });
  });

  test("when nothing can be made beside it", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    // A folder in the place of what is made there stops root, too.
    await mkdir(await toNextPath(auth));
    await expect(makeLogin(auth.path, server.url).authorization()).rejects.toMatchObject({
      failure: {
        reason: "model-auth",
        message: expect.stringMatching(/could not be saved beside its file \(\w+\)\.$/),
      },
    });
    expect(server.requests).toEqual([]);
  });
});

test("a file with an API key only may be read-only, and not shared", async () => {
  await using auth = await makeAuthFolder({ OPENAI_API_KEY: "sk-of-the-file" });
  await chmod(auth.path, 0o400);
  const login = makeLogin(auth.path, "http://127.0.0.1:9/");
  expect(await login.authorization()).toEqual({ authorization: "Bearer sk-of-the-file" });
  await chmod(auth.path, 0o444);
  await expect(login.authorization()).rejects.toThrow("can be read by other users");
});

describe("what a process that died left beside the file", () => {
  test("is used when it is a whole login made of the one in the file: nothing is asked for", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    await writeFile(await toNextPath(auth), `${JSON.stringify(toChatGptFile("saved", 3600))}   \n   `, { mode: 0o600 });
    const headers = await makeLogin(auth.path, server.url).authorization();
    expect(headers["authorization"]).toEqual(bearer("saved"));
    expect(server.requests).toEqual([]);
    expect(await auth.mode()).toBe(0o600);
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
  });

  test.each([
    ["blank", " ".repeat(500)],
    ["half a login", JSON.stringify(toChatGptFile("saved", 3600)).slice(0, 200).padEnd(900)],
  ])("says that a refresh was cut off, when the token is used up: %s", async (_, text) => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    server.answer = (response) => sendJson(response, 400, { error: "invalid_grant" });
    await writeFile(await toNextPath(auth), text, { mode: 0o600 });
    await expect(makeLogin(auth.path, server.url).authorization()).rejects.toThrow("a refresh was cut off before");
  });

  test("does not matter when the token still works", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    await writeFile(await toNextPath(auth), "  ", { mode: 0o600 });
    const headers = await makeLogin(auth.path, server.url).authorization();
    expect(headers["authorization"]).toEqual(bearer("new-1"));
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
  });

  test("is cleared away when somebody logged in anew, and never put in that login's place", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("old", -10));
    await using server = await startTokenServer();
    const left = await toNextPath(auth);
    await writeFile(left, JSON.stringify(toChatGptFile("of-old", 3600)), { mode: 0o600 });
    await auth.write(toChatGptFile("anew", -10));
    await makeLogin(auth.path, server.url).authorization();
    expect(server.requests).toEqual([expect.objectContaining({ refresh_token: "refresh-token-anew" })]);
    expect((await readdir(auth.folder)).sort()).toEqual(["auth.json", "auth.json.lock"]);
  });

  test("is not trusted when others could have put it there", async () => {
    await using auth = await makeAuthFolder(toChatGptFile("a", -10));
    await using server = await startTokenServer();
    const left = await toNextPath(auth);
    await writeFile(left, JSON.stringify(toChatGptFile("planted", 3600)));
    await chmod(left, 0o666);
    const headers = await makeLogin(auth.path, server.url).authorization();
    expect(headers["authorization"]).toEqual(bearer("new-1"));
  });
});

test("a renewed login that cannot be given the file's name is not used", async () => {
  await using auth = await makeAuthFolder(toChatGptFile("a", -10));
  await using server = await startTokenServer();
  const usual = server.answer;
  server.answer = async (response, body) => {
    // No rename puts a file in the place of a folder.
    await rename(auth.path, `${auth.path}.moved`);
    await mkdir(auth.path);
    await usual(response, body);
  };
  const login = makeLogin(auth.path, server.url);
  await expect(login.authorization()).rejects.toMatchObject({
    failure: { reason: "model-auth", message: expect.stringMatching(/the renewed one could not be saved \(\w+\)\.$/) },
  });
  expect(login.secrets().join(" ")).not.toContain("new-1");
});

async function toNextPath(auth: AuthFolder): Promise<string> {
  const login = parseLogin(await readFile(auth.path, "utf8")) as ChatGptLogin;
  return `${auth.path}.after-${toFingerprint(login)}`;
}
