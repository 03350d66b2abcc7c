import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startGitHubStandIn, type GitHubStandIn } from "../../src/demo/github/stand-in.ts";
import { createMask } from "../../src/masking/mask.ts";
import { createGitHubAccess } from "../../src/publish/github-access.ts";
import { createSettingsReader, type SettingsReader } from "../../src/repo-settings/settings-reader.ts";
import { DEFAULT_SETTINGS } from "../../src/repo-settings/settings.ts";

const hello = { kind: "github", owner: "octo-org", name: "hello" } as const;
let github: GitHubStandIn;
beforeAll(async () => {
  github = await startGitHubStandIn({ issues: [] });
});
beforeEach(() => void (github.requests.length = 0));
afterAll(async () => {
  const violations = await github.listViolations();
  await github[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

function open(as: "app" | "person" | "stranger" | "nobody"): SettingsReader {
  const tokens = { person: github.tokenOf("octocat"), stranger: "ghp_nobody", app: null, nobody: null };
  const access = createGitHubAccess({
    ...{ apiUrl: `${github.origin}/api/v3`, webUrl: github.origin, token: tokens[as], secondMs: 1 },
    app: as === "app" ? { appId: github.app.id, privateKey: github.app.privateKey } : null,
    ...{ mask: createMask([]), log: pino({ level: "silent" }) },
  });
  return createSettingsReader({ access, hasCredentials: as !== "nobody", isImageAllowed: () => true });
}

async function commit(text: string, { branch = "main" }: { branch?: string } = {}): Promise<void> {
  await github.git.commit("octo-org/hello", { branch, message: "Settings", files: { ".github/codex.yml": text } });
}

describe("the settings of a repository", () => {
  test("are the defaults where there is no file", async () => {
    expect(await open("app")(hello)).toEqual({ kind: "read", settings: DEFAULT_SETTINGS });
  });

  test.each(["app", "person"] as const)("are read from the default branch by the %s's access", async (as) => {
    await commit("mode: suggest\nprotected: [db/**]");
    await commit("mode: full-auto", { branch: "elsewhere" });
    expect(await open(as)(hello)).toMatchObject({ settings: { mode: "suggest", protected: ["db/**"] } });
  });

  test("name all that is wrong with them", async () => {
    await commit("mode: sometimes\nnothing: 1");
    expect(await open("app")(hello)).toMatchObject({
      kind: "wrong",
      problems: [expect.stringMatching(/^mode: /), expect.stringMatching(/^nothing: /)],
    });
  });

  test("may not be longer than anybody needs", async () => {
    await commit(`# ${"x".repeat(70_000)}`);
    expect(await open("app")(hello)).toEqual({
      kind: "wrong",
      problems: ["it is longer than 65536 characters"],
    });
  });

  test("are not asked for without access, nor where GitHub is not", async () => {
    expect(await open("nobody")(hello)).toMatchObject({ settings: DEFAULT_SETTINGS });
    expect(await open("app")({ kind: "local", path: "/srv/x" })).toMatchObject({ settings: DEFAULT_SETTINGS });
    expect(await open("app")({ kind: "url", url: "https://example.com/x" })).toMatchObject({ kind: "read" });
    expect(github.requests).toEqual([]);
  });

  test("are none to who may not see the repository: the run says better what is wrong", async () => {
    expect(await open("stranger")(hello)).toMatchObject({ settings: DEFAULT_SETTINGS });
    expect(await open("app")({ ...hello, name: "nothing" })).toMatchObject({ settings: DEFAULT_SETTINGS });
  });

  test("are no defaults when GitHub gives no answer", async () => {
    const path = "/repos/{owner}/{repo}/contents/{path}";
    github.fail({ method: "GET", path, status: 502, times: 10 });
    await expect(open("app")(hello)).rejects.toThrow(/^GitHub did not tell what .github\/codex.yml says: /);
  });
});
