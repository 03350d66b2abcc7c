import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitHubStandIn, startGitHubStandIn } from "../../../src/demo/github/stand-in.ts";
import { HELLO } from "../../../src/demo/github/seeds.ts";
import { askToken, git, makeFolder, withToken } from "./clients.ts";

let standIn: GitHubStandIn;
let token: string;
beforeAll(async () => {
  const hidden = { ...HELLO, name: "octo-org/secret", visibility: "private" as const };
  standIn = await startGitHubStandIn({ repositories: [HELLO, hidden] });
  token = await askToken(standIn);
});
afterAll(async () => {
  const violations = await standIn.listViolations();
  await standIn[Symbol.asyncDispose]();
  expect(violations).toEqual([]);
});

const urlOf = (name = "octo-org/hello") => `${standIn.origin}/${name}.git`;

/** A clone with one commit on a new branch, ready to be pushed. */
async function cloneAndCommit(branch: string, path = "new.txt") {
  const folder = await makeFolder();
  const tree = join(folder.path, "tree");
  await git(folder.path, ["clone", "-q", urlOf(), tree]);
  await git(tree, ["switch", "-qc", branch]);
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), `${branch}\n`);
  await git(tree, ["add", "-A"]);
  await git(tree, ["commit", "-qm", `Add ${path}`]);
  const push = (by: string | null, ref = branch) =>
    git(tree, [...(by === null ? [] : withToken(standIn, by)), "push", urlOf(), `HEAD:refs/heads/${ref}`]);
  return { tree, push, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe("reading", () => {
  test("a public repository is cloned by anybody, in full or shallow", async () => {
    await using folder = await makeFolder();
    expect((await git(folder.path, ["clone", "-q", urlOf(), "full"])).exitCode).toBe(0);
    expect((await git(folder.path, ["clone", "-q", "--depth", "1", urlOf(), "shallow"])).exitCode).toBe(0);
    const { stdout } = await git(join(folder.path, "full"), ["rev-parse", "HEAD"]);
    expect(stdout.trim()).toBe(await standIn.git.resolve("octo-org/hello", "main"));
  });

  test("a private one by the App and by its people, and by nobody else", async () => {
    const read = async (by: string | null) => {
      const shown = by === null ? [] : withToken(standIn, by);
      return await git("/", [...shown, "ls-remote", urlOf("octo-org/secret")]);
    };
    expect((await read(token)).stdout).toContain("refs/heads/main");
    expect((await read(standIn.tokenOf("rita-read"))).exitCode).toBe(0);
    expect((await read(standIn.tokenOf("nora-none"))).stderr).toContain("not found");
    expect((await read(null)).exitCode).not.toBe(0);
    expect((await read("ghs_nobody")).stderr).toContain("could not read Username"); // git asks again, then gives up
    const issuesOnly = await askToken(standIn, { permissions: { issues: "write" } });
    expect((await read(issuesOnly)).stderr).toContain("not found");
  });
});

describe("a push", () => {
  test("with the App's token arrives", async () => {
    await using clone = await cloneAndCommit("arrives");
    expect(await clone.push(token)).toMatchObject({ exitCode: 0 });
    const head = await git(clone.tree, ["rev-parse", "HEAD"]);
    expect(await standIn.git.resolve("octo-org/hello", "arrives")).toBe(head.stdout.trim());
    expect(standIn.gitRequests.at(-1)).toMatchObject({
      caller: "installation",
      updates: [{ ref: "refs/heads/arrives", oldSha: "0".repeat(40), newSha: head.stdout.trim() }],
    });
  });

  test("is refused to nobody, to readers, and to a token without contents", async () => {
    await using clone = await cloneAndCommit("refused");
    expect((await clone.push(null)).stderr).toContain("could not read Username");
    expect((await clone.push(standIn.tokenOf("rita-read"))).stderr).toContain("denied to rita-read");
    const reader = await askToken(standIn, { permissions: { contents: "read" } });
    expect((await clone.push(reader)).stderr).toContain("Write access to repository not granted");
    expect(await standIn.git.resolve("octo-org/hello", "refused")).toBeNull();
    expect((await clone.push(standIn.tokenOf("wendy-write"))).exitCode).toBe(0);
  });

  test("that is no fast-forward is refused by git itself", async () => {
    await using clone = await cloneAndCommit("behind");
    await standIn.git.commit("octo-org/hello", {
      branch: "main",
      message: "Meanwhile\n",
      files: { "other.txt": "x\n" },
    });
    const { exitCode, stderr } = await clone.push(token, "main");
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/\[rejected\].*fetch first/);
  });

  test("can be overtaken by somebody else's", async () => {
    await using clone = await cloneAndCommit("raced");
    let theirs = "";
    standIn.beforePush(async () => {
      standIn.beforePush(null);
      theirs = await standIn.git.commit("octo-org/hello", {
        branch: "raced",
        message: "First\n",
        files: { "first.txt": "1\n" },
      });
    });
    expect((await clone.push(token)).exitCode).not.toBe(0);
    expect(await standIn.git.resolve("octo-org/hello", "raced")).toBe(theirs);
  });

  test("can be slow", async () => {
    await using clone = await cloneAndCommit("slow");
    standIn.delayPushes(400);
    const startedAt = performance.now();
    expect((await clone.push(token)).exitCode).toBe(0);
    standIn.delayPushes(0);
    expect(performance.now() - startedAt).toBeGreaterThan(400);
  });

  test("of a workflow file by the App is refused, by a person it is taken", async () => {
    await using clone = await cloneAndCommit("workflow", ".github/workflows/ci.yml");
    const { stderr } = await clone.push(token);
    expect(stderr).toContain(
      "! [remote rejected] HEAD -> workflow (refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission)",
    );
    expect(await standIn.git.resolve("octo-org/hello", "workflow")).toBeNull();
    expect((await clone.push(standIn.tokenOf("wendy-write"))).exitCode).toBe(0);
  });
});

describe("GitHub's own refusals reach the client word by word:", () => {
  test.each([
    [
      "a protected branch",
      { kind: "protected-branch" as const },
      "remote: error: GH006: Protected branch update failed for refs/heads/held.",
      "(protected branch hook declined)",
    ],
    [
      "a ruleset",
      { kind: "ruleset" as const },
      "remote: error: GH013: Repository rule violations found for refs/heads/held.",
      "(push declined due to repository rule violations)",
    ],
    [
      "a large file",
      { kind: "large-file" as const, path: "video.mp4" },
      "remote: error: GH001: Large files detected.",
      "(pre-receive hook declined)",
    ],
    [
      "anything",
      { kind: "other" as const, lines: ["no, thank you"], reason: "not today" },
      "remote: no, thank you",
      "(not today)",
    ],
  ])("%s", async (_, fault, line, reason) => {
    await using clone = await cloneAndCommit("held");
    standIn.failPush({ ...fault, ref: "refs/heads/held" });
    const { exitCode, stderr } = await clone.push(token);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(line);
    expect(stderr).toContain(`! [remote rejected] HEAD -> held ${reason}`);
    expect(await standIn.git.resolve("octo-org/hello", "held")).toBeNull();
  });

  test("only as often as it was asked for", async () => {
    await using clone = await cloneAndCommit("once");
    standIn.failPush({ kind: "protected-branch" });
    expect((await clone.push(token)).exitCode).toBe(1);
    expect((await clone.push(token)).exitCode).toBe(0);
  });
});
