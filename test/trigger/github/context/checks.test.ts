import { expect, test } from "vitest";
import { createRunId } from "../../../../src/run/id.ts";
import { commandOn, HEAD_SHA } from "./thread.ts";

const CHECKS = `/commits/${HEAD_SHA}/check-runs`;
const STATUS = `/commits/${HEAD_SHA}/status`;

const check = (id: number, name: string, more: object = {}) => ({
  ...{ id, name, status: "completed", conclusion: "failure", app: { slug: "github-actions" } },
  ...{ output: { title: null, summary: null, text: null }, ...more },
});
const list = (...runs: object[]) => ({ status: 200, body: { total_count: runs.length, check_runs: runs } });
const log = (body: string) => ({ status: 200, body, headers: { "content-type": "text/plain; charset=utf-8" } });
const line = (text: string) => `2026-11-20T09:59:00.1234567Z ${text}`;

test("failed checks stand there by name, those of GitHub Actions with the end of their logs", async () => {
  const lines = Array.from({ length: 500 }, (_, index) => line(`line ${index}`));
  const text = [...lines, line("\u001b[31mExpected 1\u001b[0m"), line("##[error]Exit 1"), line("Tidied up")].join(
    "\r\n",
  );
  const { context } = await commandOn("pull", {
    answers: {
      [CHECKS]: list(
        check(71, "unit tests"),
        check(72, "lint", { conclusion: "success" }),
        check(73, "deploy", { conclusion: "cancelled" }),
        check(75, "Codex", { external_id: createRunId(), app: { slug: "ours" } }),
        check(74, "style <!-- HIDDEN -->", {
          ...{ conclusion: "timed_out", app: { slug: "other" } },
          output: { title: "Too slow", summary: "It took \u200blong" },
        }),
      ),
      "/actions/jobs/71/logs": log(text),
      [STATUS]: {
        status: 200,
        body: {
          statuses: [
            { context: "ci/old", state: "error", description: "broken pipe" },
            { context: "ci/good", state: "success", description: null },
          ],
        },
      },
    },
  });
  const part = context.slice(context.indexOf("## Failed checks"));
  expect(part).toMatch(/### unit tests: failure\n\nline 442\n[^]*\nExpected 1\n##\[error\]Exit 1\n\n### style/);
  expect(part).toMatch(/### style: timed out\n\nToo slow\nIt took long\n\n### ci\/old: error\n\nbroken pipe$/);
  expect(part).not.toMatch(/lint|deploy|Codex|good|Tidied|HIDDEN|2026-11|\u001b/);
});

test("a log that is not there is said, a check without one is named alone, and statuses may be closed to us", async () => {
  for (const status of [403, 404, 410]) {
    const { context } = await commandOn("pull", {
      answers: { [CHECKS]: list(check(71, "tests")), "/actions/jobs/71/logs": { status }, [STATUS]: { status: 403 } },
    });
    expect(context).toMatch(
      /## Failed checks of this pull request\n\n### tests: failure\n\n\(The log is not available\.\)$/,
    );
  }
});

test("of many failed jobs five logs are read, and of many failed checks twenty are named", async () => {
  const runs = Array.from({ length: 30 }, (_, index) => check(100 + index, `job ${index}`));
  const logs = Object.fromEntries(runs.map(({ id }) => [`/actions/jobs/${id}/logs`, log(`the log of ${id}`)]));
  const { context, calls } = await commandOn("pull", { answers: { [CHECKS]: list(...runs), ...logs } });
  expect(calls.filter(({ path }) => path.endsWith("/logs"))).toHaveLength(5);
  expect(context.match(/^### job/gm)).toHaveLength(20);
  expect(context).toContain("(10 more failed.)");
});

test("a very long log costs no more than its end, and a line of it is cut", async () => {
  const text = `${"x".repeat(3_000_000)}\n${line("y".repeat(1000))}\n${line("THE END")}`;
  const { context } = await commandOn("pull", {
    answers: { [CHECKS]: list(check(71, "tests")), "/actions/jobs/71/logs": log(text) },
  });
  expect(context).toContain(`${"y".repeat(400)}…\nTHE END`);
  expect(context.length).toBeLessThan(2000);
});

test("where nothing failed there is no such part, and checks that are closed to us are said", async () => {
  expect((await commandOn("pull", {})).context).not.toContain("Failed checks");
  const failing = await commandOn("pull", { answers: { [STATUS]: { status: 422 } } });
  expect(failing.context).toContain("(GitHub did not give the commit statuses.)");
  const closed = await commandOn("pull", { answers: { [CHECKS]: { status: 403 } } });
  expect(closed.context).toMatch(/## Failed checks of this pull request\n\n\(GitHub did not give this part\.\)/);
});
