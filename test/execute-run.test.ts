import { beforeEach, describe, expect, test } from "vitest";
import { executeRun, type Stages } from "../src/execute-run.ts";
import { createJournal, type Journal } from "../src/journal.ts";
import { createLogger } from "../src/logger.ts";
import { createMask } from "../src/mask.ts";
import type { AgentEnd, Checkpoint } from "../src/run/checkpoint.ts";
import { DetachedError } from "../src/run/detached.ts";
import { createRunFacts, createStopwatch, type RunFacts } from "../src/run/facts.ts";
import { readMachineTime } from "../src/run/machine-time.ts";
import type { AgentExit, RunOutcome } from "../src/run/outcome.ts";
import { LeaseLostError, type RunWriter } from "../src/store/claims.ts";
import { createRequest } from "./helpers/requests.ts";

const request = createRequest();
const sha = "a".repeat(40);
const base = { ref: "main", sha };
const begun = {
  attempt: 1,
  losses: 0,
  startedAt: new Date().toISOString(),
  timings: { queued: 0, cloning: 0, running: 0, publishing: null },
};

function toEnd(exit: AgentExit): AgentEnd {
  const finalMessage = "Did it.\n::MCP_STATUS::DONE";
  return {
    ...{ codexVersion: "0.169.0", exit, modelFailure: null, model: "m" },
    report: { threadId: "t", turn: "completed", failureMessage: null, finalMessage },
    usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 },
  };
}
const good = toEnd({ reason: "exited", exitCode: 0, outOfMemory: false });
const outcome: RunOutcome = {
  ...{ status: "done", exitCode: 0, marker: "::MCP_STATUS::DONE", summary: "Did it.", error: null },
  ...{ filesChanged: ["work.txt"], leftOut: [] },
};

/** What the stages were asked to do, in order. */
let done: string[];
let exits: AgentExit[];
let written: Checkpoint[];
let facts: RunFacts;

function note<Value>(what: string, value: Value): Value {
  done.push(what);
  return value;
}

function toAgent() {
  return {
    ready: async () => {},
    run: async () => note("run", toEnd(exits.shift() ?? good.exit)),
    [Symbol.asyncDispose]: async () => {},
  };
}

const stages: Stages = {
  openWorkspace: async ({ run_id: runId }, { contents }) => ({
    ...{ runId, rootPath: "/w", treePath: "/w/ws", inputPath: "/w/in", keep: () => {} },
    [Symbol.asyncDispose]: async () => note(`open ${contents}`, undefined),
  }),
  startAgent: (_request, { attempt }) => note(`start ${attempt}`, toAgent()),
  resumeAgent: async (_request, { attempt }) => note(`resume ${attempt}`, toAgent()),
  reachRepository: async () => ({
    ...{ url: "https://example.com/o/r.git", publishing: "branch", coAuthor: null, pullRequests: null, locate: null },
    readCredential: async () => null,
    writeCredential: async () => null,
    author: async () => ({ name: "n", email: "e" }),
    checkPermission: async () => {},
  }),
  cloneWorkspace: async () => note("clone", { ...base, mirrorPath: "/m", indexPath: "/i" }),
  findClone: async () => note("find clone", { ...base, mirrorPath: "/m", indexPath: "/i" }),
  collectChanges: async () => {
    const path = Buffer.from("work.txt");
    return note("collect", { treeSha: sha, changes: [{ path, kind: "added", mode: "100644" }], leftOut: [] });
  },
  holdsSecret: async () => false,
  toPublication: async (_request, { collected }) =>
    note(`publication from ${collected === null ? "the patch" : "the tree"}`, {
      ...{ request, mirrorPath: "/m", treeSha: sha, base, summary: null },
      body: {
        ...{ files: [], leftOut: [], hiddenCharacters: [], commands: [], logTail: null, usage: good.usage },
        ...{ codexVersion: null, model: null, runningS: 0 },
      },
    }),
  preparePublishing: async () => ({ credential: null, author: { name: "n", email: "e" } }),
  publishChanges: async (_publication, { attempt }) => note(`publish ${attempt}`, undefined),
  awaitEngine: async () => note("await engine", undefined),
};

function openJournal(reached: Checkpoint | null, writer: Partial<RunWriter> = {}): Journal {
  const left = new AbortController();
  return createJournal({
    writer: {
      setCheckpoint: async (checkpoint) => void written.push(checkpoint),
      setProgress: async () => {},
      finish: async () => {},
      close: async () => {},
      release: async () => {},
      ...writer,
    },
    ...{ reached, stopwatch: createStopwatch(), startedAt: new Date(), detach: left.signal },
    abandon: () => left.abort(),
    log: createLogger({ level: "silent", mask: createMask() }),
  });
}

function execute(reached: Checkpoint | null, changes: Partial<Stages> = {}): Promise<RunOutcome> {
  const journal = openJournal(reached);
  const { signal } = new AbortController();
  return executeRun(request, { stages: { ...stages, ...changes }, journal, facts, enter: () => {}, signal });
}

beforeEach(() => {
  [done, exits, written, facts] = [[], [], [], createRunFacts()];
});

test("each checkpoint is written before what comes next", async () => {
  expect((await execute(null)).status).toBe("done");
  expect(written.map(({ step }) => step)).toEqual(["preparing", "running", "ended", "collected"]);
  expect(done).toEqual([
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
    expect(done).toEqual(expect.arrayContaining(["start 2", "clone", "run", "open anew"]));
  });

  test("while its agent worked goes on with that agent", async () => {
    await execute({ step: "running", ...begun, base, beganAt: readMachineTime() });
    expect(done.slice(0, 4)).toEqual(["find clone", "resume 1", "run", "collect"]);
    expect(done).not.toContain("clone");
  });

  test("after its agent had ended is read again, without any agent", async () => {
    await execute({ step: "ended", ...begun, base, ended: good });
    expect(done).toEqual(["find clone", "collect", "open kept", "publication from the tree", "publish first"]);
  });

  test("after its changes were on disk is only published, and looked for first", async () => {
    const published = { branch: null, commit: null, pullRequest: null };
    expect(await execute({ step: "collected", ...begun, base, ended: good, outcome, published })).toEqual(outcome);
    expect(done).toEqual(["publication from the patch", "publish repeat"]);
    expect(facts).toMatchObject({ base, usage: good.usage, codex: { thread_id: "t" } });
  });

  test.each([
    ["its clone", { findClone: async () => null }],
    ["its container", { resumeAgent: async () => null }],
  ])("without %s is begun anew as after a loss of the engine", async (_what, changes) => {
    await execute({ step: "running", ...begun, base, beganAt: readMachineTime() }, changes);
    expect(done).toEqual(expect.arrayContaining(["await engine", "start 2", "clone", "run"]));
    expect(written[0]).toMatchObject({ step: "preparing", attempt: 2, losses: 1 });
  });
});

describe("an engine that is lost under the agent", () => {
  test("is waited for, and the run is done once more from a fresh clone", async () => {
    exits = [{ reason: "lost" }];
    expect((await execute(null)).status).toBe("done");
    expect(done.filter((what) => /start|await|clone/.test(what))).toEqual([
      ...["start 1", "clone", "await engine", "start 2", "clone"],
    ]);
  });

  test("twice ends the run, told apart from a failing agent", async () => {
    exits = [{ reason: "lost" }, { reason: "lost" }];
    expect(await execute(null)).toMatchObject({ status: "error", error: { reason: "engine-lost" } });
  });
});

test("a run that was lost to another process stops before its next effect", async () => {
  const journal = openJournal(null, { setCheckpoint: () => Promise.reject(new LeaseLostError(request.run_id)) });
  const { signal } = new AbortController();
  const executing = executeRun(request, { stages, journal, facts, enter: () => {}, signal });
  await expect(executing).rejects.toBeInstanceOf(DetachedError);
  expect(journal.detached.aborted).toBe(true);
  expect(done.filter((what) => /start|publish/.test(what))).toEqual([]);
});

test.each(["full-auto", "suggest"] as const)("a change that holds a secret is held back in mode %s", async (mode) => {
  const held = await executeRun(createRequest({ mode, env_vars: { API_TOKEN: "top-secret-value" } }), {
    ...{ stages: { ...stages, holdsSecret: async () => true }, journal: openJournal(null), facts },
    ...{ enter: () => {}, signal: new AbortController().signal },
  });
  expect(held).toMatchObject({ status: "error", error: { reason: "secret-found" }, filesChanged: ["work.txt"] });
  expect(held.error?.message).toContain("of the run's variables");
  expect(done.filter((step) => step.startsWith("publish"))).toEqual([]);
});

test("changes behind a question are held back too when they hold a secret, since a reply goes on with them", async () => {
  const finalMessage = "A or B?\n::MCP_STATUS::NEED_USER";
  const asking = { ...good, report: { ...good.report, finalMessage } };
  const agent = { ...toAgent(), run: async () => asking };
  const execute = (holdsSecret: boolean) =>
    executeRun(request, {
      stages: { ...stages, startAgent: () => agent, holdsSecret: async () => holdsSecret },
      ...{ journal: openJournal(null), facts, enter: () => {}, signal: new AbortController().signal },
    });
  expect(await execute(true)).toMatchObject({ status: "error", error: { reason: "secret-found" } });
  expect(await execute(false)).toMatchObject({ status: "need_user", error: null });
});
