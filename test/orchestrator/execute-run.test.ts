import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { executeRun } from "../../src/orchestrator/execute-run.ts";
import { RunError } from "../../src/run/failure.ts";
import { DetachedError } from "../../src/run/detached.ts";
import type { Checkpoint } from "../../src/run/checkpoint.ts";
import type { RunOutcome } from "../../src/run/outcome.ts";
import type { ScanEnd } from "../../src/secret-scan/patch-scanner.ts";
import { LeaseLostError } from "../../src/store/claims.ts";
import {
  base,
  begun,
  execute,
  good,
  openJournal,
  outcome,
  request,
  resetScript,
  script,
  stages,
  toAgent,
  toEnded,
  toRunning,
} from "../helpers/noted-stages.ts";
import { createRequest } from "../helpers/requests.ts";

beforeEach(resetScript);

test("each checkpoint is written before what comes next", async () => {
  expect((await execute(null)).status).toBe("done");
  expect(script.written.map(({ step }) => step)).toEqual(["preparing", "running", "ended", "collected"]);
  expect(script.done).toEqual([
    "start 1",
    "clone",
    "run",
    "collect",
    "open kept",
    "publication from the tree",
    "publish first",
  ]);
});

describe("a run that another process left", () => {
  test("while it prepared is begun anew, after what is left of it was removed", async () => {
    await execute({ step: "preparing", ...begun });
    // The name of the first container may be taken still.
    expect(script.done).toEqual(expect.arrayContaining(["start 2", "clone", "run", "open anew"]));
  });

  test("while its agent worked goes on with that agent", async () => {
    await execute(toRunning());
    expect(script.done.slice(0, 4)).toEqual(["find clone", "resume 1", "run", "collect"]);
    expect(script.done).not.toContain("clone");
  });

  test("after its agent had ended is read again, without any agent", async () => {
    await execute(toEnded());
    expect(script.done).toEqual([
      "find clone",
      "collect",
      "open worked-in",
      "publication from the tree",
      "publish first",
    ]);
  });

  test("after its changes were on disk is only published, and looked for first", async () => {
    const published = { branch: null, commit: null, pullRequest: null };
    expect(
      await execute({ step: "collected", ...begun, base, ended: good, outcome, verification: null, published }),
    ).toEqual(outcome);
    expect(script.done).toEqual(["publication from the patch", "publish repeat"]);
    expect(script.facts).toMatchObject({ base, usage: good.usage, codex: { thread_id: "t" } });
  });

  test("goes on whether its repository can be reached or not: only a push needs that", async () => {
    const reachRepository = async (): Promise<never> => {
      throw new RunError("clone-failed", "The App cannot reach o/r: Service Unavailable.");
    };
    const published = { branch: null, commit: null, pullRequest: null };
    const collected = { step: "collected" as const, ...begun, base, ended: good, verification: null, published };
    for (const reached of [toRunning(), toEnded(), { ...collected, outcome }]) {
      await expect(execute(reached, { reachRepository })).rejects.toMatchObject({
        failure: { reason: "push-rejected", message: expect.stringContaining("The App cannot reach o/r") },
      });
      expect(script.facts.paidWork).toMatchObject({ filesChanged: ["work.txt"], status: "done" });
    }
    const asked = createRequest({ mode: "suggest" });
    expect(await execute({ ...collected, outcome }, { asked, reachRepository })).toEqual(outcome);
  });

  test("is cancelled while its repository is waited for, unless its branch is there already", async () => {
    const published = { branch: null, commit: null, pullRequest: null };
    const collected = {
      step: "collected" as const,
      ...begun,
      base,
      ended: good,
      outcome,
      verification: null,
      published,
    };
    const cut = async (reached: Checkpoint): Promise<RunOutcome> => {
      const cancel = new AbortController();
      let tries = 0;
      const reachRepository: typeof stages.reachRepository = (asked) => {
        if (++tries > 1) return stages.reachRepository(asked);
        cancel.abort();
        const away = Object.assign(new Error("Service Unavailable"), { status: 503 });
        return Promise.reject(new RunError("clone-failed", "It cannot be reached.", { cause: away }));
      };
      const journal = openJournal(reached);
      return executeRun(request, {
        ...{
          stages: { ...stages, reachRepository },
          journal,
          facts: script.facts,
          enter: () => {},
          signal: cancel.signal,
        },
      });
    };
    expect(await cut(collected)).toMatchObject({ status: "cancelled", filesChanged: ["work.txt"] });
    const pushed = { branch: "codex/work", commit: "c".repeat(40), pullRequest: null };
    expect(await cut({ ...collected, published: pushed })).toMatchObject({ status: "done" });
  });

  test.each([
    ["its clone", { findClone: async () => null }],
    ["its container", { resumeAgent: async () => null }],
  ])("without %s is begun anew as after a loss of the engine", async (_what, changes) => {
    await execute(toRunning(), changes);
    expect(script.done).toEqual(expect.arrayContaining(["await engine", "start 2", "clone", "run"]));
    expect(script.written[0]).toMatchObject({ step: "preparing", attempt: 2, losses: 1 });
  });
});

describe("an engine that is lost under the agent", () => {
  test("is waited for, and the run is done once more from a fresh clone", async () => {
    script.exits = [{ reason: "lost" }];
    expect((await execute(null)).status).toBe("done");
    expect(script.done.filter((what) => /start|await|clone/.test(what))).toEqual([
      ...["start 1", "clone", "await engine", "start 2", "clone"],
    ]);
  });

  test("twice ends the run, told apart from a failing agent", async () => {
    script.exits = [{ reason: "lost" }, { reason: "lost" }];
    expect(await execute(null)).toMatchObject({ status: "error", error: { reason: "engine-lost" } });
  });
});

test("a run that was lost to another process stops before its next effect", async () => {
  const journal = openJournal(null, { setCheckpoint: () => Promise.reject(new LeaseLostError(request.run_id)) });
  const { signal } = new AbortController();
  const executing = executeRun(request, { stages, journal, facts: script.facts, enter: () => {}, signal });
  await expect(executing).rejects.toBeInstanceOf(DetachedError);
  expect(journal.detached.aborted).toBe(true);
  expect(script.done.filter((what) => /start|publish/.test(what))).toEqual([]);
});

test("a run that is lost while its workspace is opened rejects once, and leaves no rejection that nobody handles", async () => {
  const journal = openJournal(null, { setCheckpoint: () => Promise.reject(new LeaseLostError(request.run_id)) });
  const slow: typeof stages.openWorkspace = async (...args) => {
    await sleep(20);
    return stages.openWorkspace(...args);
  };
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const executing = executeRun(request, {
    ...{ stages: { ...stages, openWorkspace: slow }, journal, facts: script.facts },
    ...{ enter: () => {}, signal: new AbortController().signal },
  });
  await expect(executing).rejects.toBeInstanceOf(DetachedError);
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const found = { kind: "found", places: [{ path: "a.txt", line: 7, rule: "known value" }] } as const;

test.each([
  ["full-auto", found, "a secret of this server or of the run's variables: a.txt:7."],
  ["suggest", found, "a secret of this server or of the run's variables: a.txt:7."],
  ["full-auto", { kind: "gave-up" }, "could not be looked through"],
] as const)("a change that holds a secret is held back in mode %s", async (mode, end, message) => {
  const held = await executeRun(createRequest({ mode, env_vars: { API_TOKEN: "top-secret-value" } }), {
    ...{ stages: { ...stages, findSecrets: async () => toEnd(end) }, journal: openJournal(null), facts: script.facts },
    ...{ enter: () => {}, signal: new AbortController().signal },
  });
  expect(held).toMatchObject({ status: "error", error: { reason: "secret-found" }, filesChanged: ["work.txt"] });
  expect(held.error?.message).toContain(message);
  expect(script.done.filter((step) => step.startsWith("publish"))).toEqual([]);
});

/** A copy that may be changed, as a stage gives it. */
function toEnd(end: typeof found | { kind: "gave-up" }): ScanEnd {
  return end.kind === "found" ? { ...end, places: [...end.places] } : end;
}

test("changes behind a question are held back too when they hold a secret, since a reply goes on with them", async () => {
  const finalMessage = "A or B?\n::MCP_STATUS::NEED_USER";
  const asking = { ...good, report: { ...good.report, finalMessage } };
  const agent = { ...toAgent(), run: async () => asking };
  const execute = (end: ScanEnd) =>
    executeRun(request, {
      stages: { ...stages, startAgent: () => agent, findSecrets: async () => end },
      ...{ journal: openJournal(null), facts: script.facts, enter: () => {}, signal: new AbortController().signal },
    });
  expect(await execute(toEnd(found))).toMatchObject({ status: "error", error: { reason: "secret-found" } });
  expect(await execute({ kind: "found", places: [] })).toMatchObject({ status: "need_user", error: null });
});
