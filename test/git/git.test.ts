import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GitError } from "../../src/git/git-error.ts";
import { createGit, runGit } from "../../src/git/git.ts";
import type { GitOptions } from "../../src/git/git.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "git-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Puts a program named git first in PATH: a shell script. */
function standIn(script: string): void {
  writeFileSync(join(folder, "git"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "git"), 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"]}`);
}

type Call = { env: Record<string, string>; args: string[] };

/** What one child of git sees, through each of the two ways to call it. */
async function watchCalls(options: GitOptions): Promise<Call[]> {
  standIn(`{ env -0; printf '\\n--args--\\n'; printf '%s\\0' "$@"; } > ${folder}/"$CALL_NAME"call; echo done`);
  const calls: Call[] = [];
  for (const call of [() => createGit(options).raw(["version"]), () => runGit(["version"], options)]) {
    await call();
    const [env = "", args = ""] = readFileSync(join(folder, "call"), "utf8").split("\n--args--\n");
    calls.push({
      env: Object.fromEntries(
        env
          .split("\0")
          .filter((line) => line !== "" && !/^(?:_|PWD|OLDPWD|SHLVL)=/.test(line))
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      ),
      args: args.split("\0").slice(0, -1),
    });
  }
  return calls;
}

const credential = { origin: "https://github.com", authorization: "Basic Y2FuYXJ5LXRva2Vu" };

test("simple-git and plumbing calls get one environment and one list of settings", async () => {
  const [high, low] = await watchCalls({ gitDir: folder, credential, protocols: ["https"] });
  const { GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS: ownOfSimpleGit, ...highEnv } = high?.env ?? {};
  expect(ownOfSimpleGit).toBe("true");
  expect(highEnv).toEqual(low?.env);
  expect(high?.args).toEqual(low?.args);
  expect(low?.args).toContain("protocol.allow=never");
  expect(low?.args).toContain("protocol.https.allow=always");
  expect(low?.args).not.toContain("protocol.http.allow=always");
  expect(low?.env).toMatchObject({ GIT_ALLOW_PROTOCOL: "https", HOME: "/nonexistent", GIT_DIR: folder });
});

test.each([
  [
    "EN-007: GIT_* of the orchestrator's environment",
    {
      GIT_DIR: "/x",
      GIT_WORK_TREE: "/x",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.hooksPath",
      GIT_CONFIG_VALUE_0: "/x",
      GIT_SSH_COMMAND: "x",
      GIT_EXEC_PATH: "/x",
      GIT_ASKPASS: "x",
      GIT_TRACE: "1",
      GIT_ALTERNATE_OBJECT_DIRECTORIES: "/x",
      GIT_CONFIG_PARAMETERS: "'a.b=c'",
      SSH_ASKPASS: "x",
      EDITOR: "x",
      PAGER: "x",
      XDG_CONFIG_HOME: "/x",
    },
  ],
  [
    "EN-008: NODE_OPTIONS and loader variables",
    {
      NODE_OPTIONS: "--require /tmp/x.js",
      LD_PRELOAD_CANARY: "x",
      DYLD_INSERT_LIBRARIES: "x",
      BASH_ENV: "x",
      ENV: "x",
    },
  ],
  [
    "EN-009: proxies of the host",
    {
      HTTP_PROXY: "http://127.0.0.1:1",
      HTTPS_PROXY: "http://127.0.0.1:1",
      NO_PROXY: "x",
      http_proxy: "http://127.0.0.1:1",
      https_proxy: "http://127.0.0.1:1",
      all_proxy: "http://127.0.0.1:1",
    },
  ],
  ["secrets of the orchestrator", { OPENAI_API_KEY: "sk-canary", PRIVATE_KEY: "canary", GITHUB_TOKEN: "ghp_canary" }],
])("%s reach no git child", async (_title, variables) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  for (const { env } of await watchCalls({})) {
    expect(Object.keys(variables).filter((name) => env[name] === variables[name as keyof typeof variables])).toEqual(
      [],
    );
  }
});

test("a credential stands in the environment of its child alone, for its origin alone", async () => {
  for (const { env, args } of await watchCalls({ credential })) {
    expect(env).toMatchObject({
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.https://github.com/.extraHeader",
      GIT_CONFIG_VALUE_0: `Authorization: ${credential.authorization}`,
    });
    expect(args.join(" ")).not.toContain("Y2FuYXJ5");
  }
  for (const { env } of await watchCalls({ credential: null })) expect(env["GIT_CONFIG_COUNT"]).toBeUndefined();
});

test("EN-015: with DEBUG=* nothing that simple-git prints holds the credential", () => {
  const script = `
    import { createGit } from ${JSON.stringify(fileURLToPath(new URL("../../src/git/git.ts", import.meta.url)))};
    await createGit({ credential: ${JSON.stringify(credential)} }).raw(["--version"]);`;
  const path = join(folder, "debug.ts");
  writeFileSync(path, script);
  const output = execFileSync("sh", ["-c", `"$0" "$1" 2>&1`, process.execPath, path], {
    env: { ...process.env, DEBUG: "*" },
  });
  expect(output.toString("utf8")).not.toContain("Y2FuYXJ5");
});

test("every exit code but 0 rejects, with what git said and without the credential", async () => {
  standIn(`echo "remote: no entry" >&2; echo "fatal: bad https://u:pw@host/ Y2FuYXJ5LXRva2Vu" >&2; exit 7`);
  const said = "ended with exit code 7\nremote: no entry\nfatal: bad https://host/ ***";
  await expect(createGit({ credential }).raw(["fetch"])).rejects.toThrow(said);
  const error = await runGit(["fetch"], { credential }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GitError);
  expect(error).toMatchObject({ exitCode: 7, text: "remote: no entry; fatal: bad https://host/ ***" });
  expect(String(error)).toContain(said);
});

test("a failure without a word is a failure", async () => {
  standIn("exit 3");
  await expect(createGit({}).raw(["fetch"])).rejects.toThrow("exit code 3");
  await expect(runGit(["fetch"], {})).rejects.toThrow("exit code 3");
});

test("an exit code that was named is an answer", async () => {
  standIn("printf out; exit 1");
  expect(await runGit(["x"], { exitCodes: [1] })).toEqual({ exitCode: 1, stdout: Buffer.from("out"), stderr: "" });
});

test("bytes go in and out as they are, and a child that reads nothing is no error", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  standIn("cat");
  expect((await runGit(["x"], { stdin: bytes })).stdout).toEqual(bytes);
  standIn("exit 0");
  await runGit(["x"], { stdin: Buffer.alloc(2 ** 21) });
});

test("stdout goes to a file when one is named", async () => {
  standIn("printf abc");
  const stdoutPath = join(folder, "out");
  writeFileSync(stdoutPath, "longer than that");
  expect((await runGit(["x"], { stdoutPath })).stdout).toHaveLength(0);
  expect(readFileSync(stdoutPath, "utf8")).toBe("abc");
});

test("an aborted child is stopped before the promise rejects with the signal's reason, also one that ignores SIGTERM", async () => {
  standIn(`trap '' TERM; echo $$ > ${folder}/pid; while :; do sleep 0.05; done`);
  const controller = new AbortController();
  const reason = new Error("enough");
  const call = runGit(["x"], { signal: controller.signal });
  await vi.waitFor(() => expect(Number(readFileSync(join(folder, "pid"), "utf8"))).toBeGreaterThan(0), {
    timeout: 20_000,
  });
  controller.abort(reason);
  await expect(call).rejects.toBe(reason);
  expect(() => process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), 0)).toThrow("ESRCH");
});

test("a program that does not exist rejects", async () => {
  vi.stubEnv("PATH", folder);
  await expect(runGit(["version"], {})).rejects.toThrow("ENOENT");
});

test("what a server says is looked through for addresses at once, also when it is one long word", () => {
  const startedAt = performance.now();
  const stderr = `fatal: ${"a".repeat(60_000)} https://user:word@example.org/x`;
  const { message } = new GitError("fetch", { exitCode: 1, stderr, credential: null });
  expect(message).toContain("https://example.org/x");
  // A pattern that begins anew at each letter takes 7 s.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
