import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { ModelScript } from "../../src/demo/model-script.ts";
import { viewThread } from "../../src/demo/thread-view.ts";
import { createTalk, doing, reviewing, saying, short, type Talk } from "../helpers/talk.ts";
import { openWorld, type World } from "./world.ts";

/** The whole of a working day with a colleague: one step after the other, in one repository. */
let script: ModelScript = saying("Nothing to do.");
let world: World;
let talk: Talk;
let pull = 0;
let thread: string | null | undefined;
let branch = "";

beforeAll(async () => {
  world = await openWorld({ script: () => script });
  talk = createTalk(world);
});
afterAll(async () => {
  if (process.env["PRINT_THREAD"] !== undefined) {
    for (const issue of [world.github.issueNumber, pull])
      console.log((await viewThread(world.github, { issue, style: "plain" })).join("\n"));
  }
  await world[Symbol.asyncDispose]();
});

const finding = {
  ...{ path: "src/is-email.ts", start_line: null, line: 2, side: "RIGHT", severity: "major" },
  ...{ title: "Two @ pass", body: "`a@@b` is taken for an address.", suggestion: "// refuses a second @, tested" },
};

/** The comments on lines that tell of the finding. */
async function findings(): Promise<unknown[]> {
  const comments = z.array(z.looseObject({ body: z.string() })).parse(await talk.api("GET", `/pulls/${pull}/comments`));
  return comments.filter(({ body }) => body.includes(finding.title));
}

const commitsOf = async (name: string): Promise<string[]> =>
  (await world.github.git.git(world.github.repository, ["log", "--format=%s", `main..${name}`])).trim().split("\n");

const settings = (text: string): Promise<string> =>
  world.github.git.commit(world.github.repository, {
    ...{ branch: "main", message: "Settings", files: { ".github/codex.yml": text } },
  });

const Issue = z.object({ number: z.number() });

describe("on an issue", () => {
  test("a bad option is named, with the nearest form", async () => {
    expect(await talk.ask("/codex --mode turbo Add a validator")).toMatch(/^confused: [^]*--mode[^]*suggest/);
  });

  test("a mistyped verb is asked back", async () => {
    expect(await talk.ask("/codex statsu")).toMatch(/^confused: [^]*`\/codex status`/);
  });

  test("help names every verb", async () => {
    expect(await talk.ask("/codex help")).toMatch(/^rocket: [^]*review[^]*status[^]*cancel[^]*retry[^]*publish/);
  });

  test("who may not write gets 👎 and not a word", async () => {
    const before = await talk.heard();
    const id = await talk.say("/codex Add a validator", { user: "rita-read" });
    await expect
      .poll(() => world.github.listReactions(`/repos/${world.github.repository}/issues/comments/${id}/reactions`))
      .toMatchObject([{ content: "-1" }]);
    expect(await talk.heard()).toEqual(before);
  });

  test("a run tells its status while it goes, and a second command its place in line", async () => {
    script = doing("echo long > long.txt; sleep 60");
    await talk.say("/codex Add a validator for email addresses");
    const first = await talk.newest("running");
    await talk.say("/codex And one for telephone numbers");
    const second = await talk.newest("queued");
    const status = await talk.ask("/codex status");
    expect(status).toContain(`\`${short(first)}\` **running**`);
    expect(status).toMatch(new RegExp(`${short(second)}\` \\*\\*queued\\*\\*, position 1`));
    expect(await talk.ask("/codex cancel")).toContain(`Run \`${short(second)}\`: The run was cancelled`);
    expect(await talk.ask(`/codex cancel ${short(first)}`)).toMatch(/^rocket: [^]*cancelled/);
    thread = first.runId;
  });

  test("retry makes the pull request that was asked for", async () => {
    script = doing("mkdir -p src && echo 'export const isEmail = () => true;' > src/is-email.ts", "Added isEmail().");
    const again = await talk.run(`/codex retry ${String(thread).slice(-8)}`);
    pull = again.result?.pull_request?.number ?? 0;
    branch = again.result?.branch ?? "";
    thread = again.result?.codex?.thread_id;
    expect([pull > 0, thread]).toEqual([true, expect.any(String)]);
  });
});

describe("on the pull request", () => {
  test("a comment adds a second commit to the same branch, in the same thread", async () => {
    script = doing("echo '// refuses a second @' >> src/is-email.ts", "It refuses a second @ now.");
    const next = await talk.run("/codex Please refuse a second @ too", { on: pull });
    expect(next.result).toMatchObject({ branch, pull_request: { number: pull }, codex: { thread_id: thread } });
    expect(await commitsOf(branch)).toHaveLength(2);
  });

  test("what a person pushed in between stays, and ours goes on top", async () => {
    await world.github.git.commit(world.github.repository, {
      ...{ branch, message: "Mention blanks", files: { "NOTES.md": "Blanks are refused.\n" } },
    });
    script = doing("cat NOTES.md && echo '// refuses blanks' >> src/is-email.ts", "Blanks are refused.");
    const next = await talk.run("/codex Refuse blanks, as NOTES.md says", { on: pull });
    expect(next.result?.codex?.thread_id).toBe(thread);
    expect((await commitsOf(branch)).map((subject) => subject === "Mention blanks")).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  test("words on a line are taken to mean that line, and answered there", async () => {
    script = doing("sed -i 's/() => true/(text: string) => text.includes(\"@\")/' src/is-email.ts", "It looks now.");
    const line = { kind: "line-comment", pull, path: "src/is-email.ts", line: 1 } as const;
    const next = await talk.tell({ ...line, body: "/codex This is always true. Look at the text." });
    expect(next.result).toMatchObject({ branch, pull_request: { number: pull }, codex: { thread_id: thread } });
    expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("src/is-email.ts");
  });

  test("a review stands on the lines that it is about, and changes nothing", async () => {
    script = reviewing("Close, but not there yet.", [finding]);
    const review = await talk.run("/codex review the regular cases", { on: pull });
    expect(review.result).toMatchObject({ mode: "ask", commit: null });
    expect(await findings()).toMatchObject([{ path: finding.path, line: 2, user: { type: "Bot" } }]);
  });

  test("a second review says nothing twice", async () => {
    await talk.run("/codex review", { on: pull });
    expect(await findings()).toHaveLength(1);
  });

  test("a question about it is answered and changes nothing", async () => {
    script = saying("It follows the HTML standard.\n::MCP_STATUS::DONE");
    const answer = await talk.run("/codex --mode ask Which standard does it follow?", { on: pull });
    expect(answer.result).toMatchObject({ mode: "ask", commit: null, output: { files_changed: [] } });
    expect((await talk.heard(pull)).at(-1)).toContain("It follows the HTML standard.");
  });
});

describe("back on the issue", () => {
  test("a question of ours waits for its answer, and goes on from where it stood", async () => {
    script = [
      { items: [{ kind: "shell", command: "echo draft > docs-draft.md" }] },
      { items: [{ kind: "say", text: "German or English?\n::MCP_STATUS::NEED_USER" }] },
    ];
    const asked = await talk.run("/codex Document the validators", { state: "need_user" });
    script = doing("mv docs-draft.md docs.md", "Documented in English.");
    const answered = await talk.run("/codex English");
    expect(answered.result?.codex?.thread_id).toBe(asked.result?.codex?.thread_id);
    expect(answered.result?.output.files_changed).toEqual(["docs.md"]);
  });

  test("a suggestion is shown folded, and published when somebody says so", async () => {
    script = doing("echo suggested > suggested.txt", "This is how I would do it.");
    const suggested = await talk.run("/codex --mode suggest A test for it");
    expect(suggested.result?.pull_request).toBeNull();
    expect((await talk.heard()).at(-1)).toMatch(/<details>\n<summary>The patch[^]*suggested\.txt/);
    expect(await talk.ask("/codex publish")).toMatch(/^rocket: [^]*Published[^]*\[#\d+\]/);
  });

  test("a protected path is held, shown, and published only with the words for it", async () => {
    script = doing("echo 'Be kind.' > AGENTS.md", "Wrote AGENTS.md.");
    const held = await talk.run("/codex Write AGENTS.md", { state: "error" });
    expect(held.result?.error?.reason).toBe("protected-files");
    expect((await talk.heard()).at(-1)).toContain("AGENTS.md");
    expect(await talk.ask(`/codex publish ${short(held)}`)).toMatch(/^confused: /);
    expect(await talk.ask(`/codex publish ${short(held)} --allow-protected`)).toMatch(/^rocket: /);
  });

  test("broken settings are named key by key and start nothing; mended ones hold", async () => {
    await settings("mode: turbo\ncolour: green\n");
    expect(await talk.ask("/codex Add one more")).toMatch(/^confused: [^]*mode[^]*colour/);
    await settings("mode: ask\n");
    script = saying("I only answer here.\n::MCP_STATUS::DONE");
    expect((await talk.run("/codex Add one more")).result?.mode).toBe("ask");
    await settings("{}\n");
  });

  test("on a pull request from a fork it answers and does not write", async () => {
    const fork = await world.github.fork("nora-none");
    await world.github.git.commit(fork, { branch: "bye", message: "Bye", files: { "src/bye.ts": "export {};\n" } });
    const body = { title: "Say bye", head: "nora-none:bye", base: "main" };
    const { number } = Issue.parse(await talk.api("POST", "/pulls", { as: "nora-none", body }));
    script = saying("It says nothing yet.\n::MCP_STATUS::DONE");
    expect((await talk.run("/codex --mode ask What does it do?", { on: number })).result?.mode).toBe("ask");
    expect(await talk.ask("/codex Mend it", { on: number })).toMatch(/^confused: [^]*fork/);
  });

  test("an issue may begin with its command", async () => {
    script = doing("echo 1.3.0 > VERSION", "It is 1.3.0 now.");
    const begun = await talk.tell({ kind: "issue", title: "Next version", body: "/codex Write 1.3.0 into VERSION" });
    expect(begun.result).toMatchObject({ status: "done", output: { files_changed: ["VERSION"] } });
    expect(begun.result?.pull_request?.number).toEqual(expect.any(Number));
  });

  test("a label that the settings name starts the work on its issue", async () => {
    await settings("label_trigger: codex\n");
    const issue = Issue.parse(
      await talk.api("POST", "/issues", { body: { title: "Say bye", body: "bye(), please." } }),
    );
    script = doing("echo 'export const bye = 1;' > src/bye.ts", "Added bye().");
    const begun = await talk.tell({ kind: "label", issue: issue.number, label: "codex" }, { user: "wendy-write" });
    expect(begun.result).toMatchObject({ status: "done", trigger: { actor: "wendy-write" } });
    await settings("{}\n");
  });

  test("they have talked at least 25 times, and GitHub's own description of its API was kept to all day", async () => {
    expect(talk.steps()).toBeGreaterThanOrEqual(25);
    expect(await world.github.listViolations()).toEqual([]);
  });
});
