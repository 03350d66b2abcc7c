import { expect, test } from "vitest";
import { at, commandOn, octocat, said } from "./thread.ts";

const COMMENTS = "/issues/42/comments";
const contextOf = async (comments: object[]): Promise<string> =>
  (await commandOn("issue", { answers: { [COMMENTS]: comments } })).context;

test("the prompt holds what was said before the command, in its order, and nothing of later", async () => {
  const context = await contextOf([
    said(1, "First words"),
    said(2, "Second words", { made: -30 }),
    said(3, "EDITED-LATER", { edited: 10 }),
    said(4, "SAID-LATER", { made: 10 }),
  ]);
  expect(context).toMatch(/What was said before[^]*rita-read: First words[^]*rita-read: Second words/);
  expect(context).not.toMatch(/LATER/);
  expect(context).toContain("(1 comment is left out, changed after the request was written.)");
});

test("of a long thread the newest words are taken, and how many are left out is said", async () => {
  const comments = Array.from({ length: 50 }, (_, index) =>
    said(index + 1, `WORD-${index} ${"x".repeat(1_000)}`, { made: index - 100 }),
  );
  const context = await contextOf(comments);
  expect(context).toMatch(/\((\d+) older comments are left out\.\)[^]*WORD-49/);
  expect(context).not.toContain("WORD-0 ");
  const shown = context.match(/WORD-/g)?.length ?? 0;
  expect(context).toContain(`(${50 - shown} older comments are left out.)`);
});

test("of a thread of many pages the last ones are read", async () => {
  const page = (first: number) => Array.from({ length: 100 }, (_, at) => said(first + at, `WORD-${first + at}`));
  const link = `<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=5>; rel="last"`;
  const { context, calls } = await commandOn("issue", {
    answers: {
      [COMMENTS]: [
        { status: 200, body: page(0), headers: { link } },
        { status: 200, body: page(300) },
        { status: 200, body: [said(400, "NEWEST")] },
      ],
    },
  });
  expect(context).toMatch(
    /\(300 older comments are left out\.\)\n\nrita-read: WORD-300\n[^]*WORD-399\n\nrita-read: NEWEST/,
  );
  expect(calls.filter(({ path }) => path === COMMENTS)).toHaveLength(3);
});

test("what nobody can see is left out, of each comment for itself, and counted", async () => {
  const { context, run } = await commandOn("issue", {
    issueBody: "Body <!-- HIDDEN -->",
    body: "/codex do it <!-- HIDDEN -->",
    answers: {
      [COMMENTS]: [said(1, "Seen <!-- HIDDEN --> words \u{e0048}\u200b"), said(2, "Open <!-- HIDDEN"), said(3, "Last")],
    },
  });
  expect(context).toMatch(/Body\n[^]*rita-read: Seen[^]*rita-read: Open\n\nrita-read: Last/);
  expect(JSON.stringify(run)).not.toMatch(/HIDDEN|[\u{e0000}-\u{e007f}\u200b]/u);
  expect(run?.hidden).toBe(5);
});

test("it is said of the person who gave the command that they may write, and of nobody else", async () => {
  const context = await contextOf([
    { ...said(1, "Mine"), user: octocat },
    { ...said(2, "Theirs"), author_association: "OWNER" },
  ]);
  expect(context).toMatch(/octocat \(who gave the request, may write here\): Mine/);
  expect(context).toMatch(/\nrita-read: Theirs/);
});

test("our own comments and the command are no part of it", async () => {
  const context = await contextOf([
    said(1, "<!-- codex-run:0193 -->\nOURS"),
    said(1001, "/codex COMMAND", { made: 0 }),
    { ...said(2, "from a ghost"), user: null, created_at: at(-5) },
  ]);
  expect(context).not.toMatch(/OURS|COMMAND/);
  expect(context).toContain("somebody: from a ghost");
});

test("a thread that GitHub does not give is said, and the run starts all the same", async () => {
  const { context, run } = await commandOn("issue", { answers: { [COMMENTS]: { status: 404 } } });
  expect(context).toContain("GitHub did not give this part");
  expect(run).toBeDefined();
});
