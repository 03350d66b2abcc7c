import { expect, test } from "vitest";
import { at, commandOn, rita, said } from "./thread.ts";

const HUNK = "@@ -1,2 +1,3 @@\n one\n+<!-- two -->\n+three";
const lineComment = (id: number, body: string, more: object = {}) => ({
  ...said(id, body),
  ...{ path: "src/a.ts", line: 3, original_line: 3, side: "RIGHT", diff_hunk: HUNK, ...more },
});

test("comments on lines stand thread by thread, with the file, the lines and the hunk", async () => {
  const { context } = await commandOn("pull", {
    answers: {
      // The newest first, as it is asked for.
      "/pulls/42/comments": [
        lineComment(5, "<!-- codex-run:0193 -->\nSTATUS", { in_reply_to_id: 1 }),
        lineComment(4, "ANSWER <!-- codex-finding:0123456789abcdef:0123456789abcdef -->", { in_reply_to_id: 1 }),
        lineComment(3, "OLD", { path: "src/b.ts", line: null, original_line: 9, original_start_line: 7 }),
        lineComment(2, "OTHER", { path: "src/c.ts", line: 5, side: "LEFT" }),
        lineComment(1, "QUESTION"),
      ],
    },
  });
  expect(context).toMatch(/### src\/c\.ts, line 5 of the old file\n\n@@[^]*rita-read: OTHER/);
  expect(context).toMatch(/### src\/b\.ts, lines 7 to 9 of an earlier version/);
  expect(context).toMatch(
    /### src\/a\.ts, line 3\n\n@@ -1,2 \+1,3 @@\n one\n\+<!-- two -->\n\+three\n\nrita-read: QUESTION\n\nrita-read: ANSWER/,
  );
  expect(context).not.toContain("STATUS");
});

test("what reviews say as a whole stands there with their verdict, as of the command", async () => {
  const review = (id: number, body: string, more: object = {}) => ({
    ...{ id, body, user: rita, state: "CHANGES_REQUESTED", submitted_at: at(-60), ...more },
  });
  const { context } = await commandOn("pull", {
    answers: {
      "/pulls/42/reviews": [
        review(1, "Not yet <!-- HIDDEN -->"),
        review(2, "", { state: "COMMENTED" }),
        review(3, "LATER", { submitted_at: at(5) }),
        review(4, "PENDING", { submitted_at: undefined, state: "PENDING" }),
        review(5, "", { state: "APPROVED" }),
      ],
    },
  });
  expect(context).toMatch(/## Reviews\n\nrita-read, changes requested: Not yet\n\nrita-read, approved:/);
  expect(context).not.toMatch(/HIDDEN|LATER|PENDING/);
});

const file = (filename: string, more: object = {}) => ({
  ...{ filename, status: "modified", additions: 1, deletions: 0, patch: "@@ -1 +1,2 @@\n one\n+two", ...more },
});

test("of the change every file is named, and what is not shown of it", async () => {
  const { context } = await commandOn("pull", {
    answers: {
      "/pulls/42/files": [
        file("src/a.html", { patch: "@@ -1 +1 @@\n+<!-- open\n+![x](y)" }),
        file("big.json", { additions: 9000, patch: "+".repeat(70_000) }),
        file("logo.png", { status: "added", patch: undefined }),
        file("new.ts", { status: "renamed", previous_filename: "old.ts" }),
      ],
    },
  });
  expect(context).toContain("- src/a.html (modified, +1 -0)");
  expect(context).toContain("- big.json (modified, +9000 -0, not shown: too long)");
  expect(context).toContain("- logo.png (added, +1 -0, not shown: GitHub gives no text)");
  expect(context).toContain("- new.ts (renamed from old.ts, +1 -0)");
  expect(context).toContain("--- a/src/a.html\n+++ b/src/a.html\n@@ -1 +1 @@\n+<!-- open\n+![x](y)");
  expect(context).toContain("--- a/old.ts\n+++ b/new.ts\n");
  expect(context).not.toContain("++++");
});

test("of a change with very many files three hundred are named", async () => {
  const page = (count: number) => Array.from({ length: count }, (_, index) => file(`f${index}.ts`));
  const link = `<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=7>; rel="last"`;
  const { context, calls } = await commandOn("pull", {
    answers: {
      "/pulls/42/files": [
        { status: 200, body: page(100), headers: { link } },
        ...[1, 2].map(() => ({ status: 200, body: page(100) })),
      ],
    },
  });
  expect(context.match(/^- f/gm)).toHaveLength(300);
  expect(context).toContain("- and others, at least 301, which are not named here");
  expect(calls.filter(({ path }) => path.endsWith("/files"))).toHaveLength(3);
});

test("a part that GitHub does not give is named, and the others stand there", async () => {
  const { context } = await commandOn("pull", {
    answers: { "/pulls/42/reviews": { status: 404 }, "/pulls/42/files": [file("a.ts")] },
  });
  expect(context).toMatch(/## Reviews\n\n\(GitHub did not give this part\.\)\n\n## The change[^]*a\.ts/);
});
