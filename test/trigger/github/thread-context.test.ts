import { expect, test } from "vitest";
import { createPayload } from "./comment-payload.ts";
import { startApp } from "./app-host.ts";

const written = Date.parse((createPayload({}) as { comment: { created_at: string } }).comment.created_at);
const at = (seconds: number): string => new Date(written + seconds * 1000).toISOString();
const said = (id: number, body: string, { made = -60, edited = made }: { made?: number; edited?: number } = {}) => ({
  ...{ id, body, user: { login: "rita-read" }, created_at: at(made), updated_at: at(edited) },
});

async function contextOf(comments: object[], { status = 200 } = {}): Promise<string> {
  using host = await startApp();
  host.api.failures.push({ method: "GET", path: /\/issues\/42\/comments$/, answer: { status, body: comments } });
  await host.comment({});
  return host.runs[0]?.run.context?.body ?? "";
}

test("the prompt holds what was said before the command, in its order, and nothing of later", async () => {
  const context = await contextOf([
    said(1, "First words"),
    said(2, "Second words", { made: -30 }),
    said(3, "EDITED-LATER", { edited: 10 }),
    said(4, "SAID-LATER", { made: 10 }),
  ]);
  expect(context).toMatch(/What was said before[^]*rita-read: First words[^]*rita-read: Second words/);
  expect(context).not.toMatch(/LATER/);
});

test("what nobody can see in it is left out", async () => {
  const context = await contextOf([said(1, "Seen <!-- HIDDEN --> words \u{e0048}\u200b")]);
  expect(context).toContain("rita-read: Seen");
  expect(context).not.toMatch(/HIDDEN|[\u{e0000}-\u{e007f}\u200b]/u);
});

test("of a very long thread the newest words are taken, and that is said", async () => {
  const comments = Array.from({ length: 50 }, (_, index) =>
    said(index + 1, `WORD-${index} ${"x".repeat(1_000)}`, { made: index - 100 }),
  );
  const context = await contextOf(comments);
  expect(context).toMatch(/Older comments are left out[^]*WORD-49/);
  expect(context).not.toContain("WORD-0 ");
});

test("a thread that GitHub does not give is said, and the run starts all the same", async () => {
  expect(await contextOf([], { status: 404 })).toContain("GitHub did not give this part");
});
