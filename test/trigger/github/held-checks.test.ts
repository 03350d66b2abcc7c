import { expect, test } from "vitest";
import type { ReleasedChecks } from "../../../src/publish/release-commit.ts";
import { RunError } from "../../../src/run/failure.ts";
import type { RunId } from "../../../src/run/id.ts";
import type { RunState } from "../../../src/run/state.ts";
import type { RunRecord } from "../../../src/store/runs.ts";
import { parseCommand } from "../../../src/trigger/github/command.ts";
import { startApp } from "./app-host.ts";
import { createFinished, createRequest } from "./finished-run.ts";

const request = createRequest({ accepted_at: "2026-11-20T09:00:00.000Z" });

function toRecord(state: RunState, { commit = "b".repeat(40) }: { commit?: string | null } = {}): RunRecord {
  const result = state === "done" ? createFinished(request, { commit }).result : null;
  return {
    ...{ runId: request.run_id, repo: "octo-org/hello", state, acceptedAt: request.accepted_at },
    ...{ progress: null, result, queuePosition: null },
  };
}

/** What `/codex ci` on an issue is answered with. */
async function ask(runs: RunRecord[], answer: ReleasedChecks | null | RunError) {
  const asked: RunId[] = [];
  using host = await startApp({
    listThread: async () => runs,
    releaseChecks: async (runId) => {
      asked.push(runId);
      if (answer instanceof RunError) throw answer;
      return answer;
    },
  });
  await host.comment({ body: "/codex ci" });
  return { asked, said: host.api.posted().join(""), reactions: host.api.reactions(), runs: host.runs };
}

const released: ReleasedChecks = { kind: "released", commit: "c".repeat(40), squash: "safe" };

test("it stands alone; other words make a prompt", () => {
  expect(parseCommand("/codex ci")).toEqual({ kind: "verb", verb: "ci" });
  expect(parseCommand("/codex ci is red, mend it")).toMatchObject({ kind: "run", prompt: "ci is red, mend it" });
});

test("the checks of what was pushed last are released", async () => {
  const { asked, said, reactions, runs } = await ask([toRecord("done", { commit: null }), toRecord("done")], released);
  expect([asked, reactions, runs]).toEqual([[request.run_id], ["eyes", "rocket"], []]);
  expect(said).toContain("The checks run now");
  expect(said).not.toContain("squash");
});

test.each<[string, RunRecord[], ReleasedChecks | null | RunError, RegExp]>([
  ["a run that still goes on", [toRecord("running"), toRecord("done")], released, /still going on/],
  ["nothing that was pushed", [toRecord("done", { commit: null })], released, /pushed anything/],
  ["people who pushed on top", [toRecord("done")], { kind: "overtaken", squash: "skips" }, /on top[^]*squash merge/],
  ["checks that are not held", [toRecord("done")], { kind: "not-held", squash: "safe" }, /No checks are held/],
  [
    "a rule that forbids it",
    [toRecord("done")],
    new RunError("push-rejected", "A rule forbids it."),
    /A rule forbids it/,
  ],
])("%s: that is said, and nothing else happens", async (_, runs, answer, words) => {
  const { said, reactions } = await ask(runs, answer);
  expect(said).toMatch(words);
  expect(reactions).toEqual(["eyes", "confused"]);
});

test("an earlier commit of the pull request that holds the words is warned of", async () => {
  expect((await ask([toRecord("done")], { ...released, squash: "skips" })).said).toMatch(/run now[^]*squash merge/);
});

test("the words that skip checks stand in no answer, since people copy answers into commits", async () => {
  const { said } = await ask([toRecord("done")], { kind: "overtaken", squash: "skips" });
  expect(said).not.toMatch(/\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]/i);
});
