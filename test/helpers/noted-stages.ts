import { executeRun } from "../../src/orchestrator/execute-run.ts";
import type { Stages } from "../../src/orchestrator/run-stages.ts";
import { createJournal, type Journal } from "../../src/orchestrator/journal.ts";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import type { VerifyEnd } from "../../src/repo-commands/verify-work.ts";
import type { AgentEnd, Checkpoint, LaterTurn } from "../../src/run/checkpoint.ts";
import { createRunFacts, createStopwatch } from "../../src/run/facts.ts";
import { readMachineTime } from "../../src/run/machine-time.ts";
import type { RunRequest } from "../../src/run/request.ts";
import type { AgentExit, RunOutcome } from "../../src/run/outcome.ts";
import { type RunWriter } from "../../src/store/claims.ts";
import { createRequest } from "./requests.ts";

/** What is asked for when a test says nothing else. */
export const request = createRequest();
const sha = "a".repeat(40);
export const base = { ref: "main", sha };
export const begun = {
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
/** A turn that ended well. */
export const good = toEnd({ reason: "exited", exitCode: 0, outOfMemory: false });
export const outcome: RunOutcome = {
  ...{ status: "done", exitCode: 0, marker: "::MCP_STATUS::DONE", summary: "Did it.", error: null },
  ...{ filesChanged: ["work.txt"], leftOut: [] },
};

/** How turns and checks end, in their order, and what came of it. */
export const script = {
  /** What the stages were asked to do, in order. */
  done: new Array<string>(),
  exits: new Array<AgentExit>(),
  checks: new Array<VerifyEnd>(),
  written: new Array<Checkpoint>(),
  facts: createRunFacts(),
};

/** Forgets the test before. */
export function resetScript(): void {
  Object.assign(script, { done: [], exits: [], checks: [], written: [], facts: createRunFacts() });
}

function note<Value>(what: string, value: Value): Value {
  script.done.push(what);
  return value;
}

/** An agent whose turns end as `script.exits` says. */
export function toAgent() {
  return {
    ready: async () => {},
    run: async () => note("run", toEnd(script.exits.shift() ?? good.exit)),
    [Symbol.asyncDispose]: async () => {},
  };
}

function toRound(turn: LaterTurn | null): string {
  return turn === null ? "" : ` for round ${turn.round} of ${turn.threadId}: ${turn.failure.how}`;
}

/** Stages that note what they are asked for, and do nothing. */
export const stages: Stages = {
  checkBudget: async () => {},
  openWorkspace: async ({ run_id: runId }, { contents }) => ({
    ...{ runId, rootPath: "/w", treePath: "/w/ws", inputPath: "/w/in", keep: () => {} },
    [Symbol.asyncDispose]: async () => note(`open ${contents}`, undefined),
  }),
  startAgent: (_request, { attempt, turn }) => note(`start ${attempt}${toRound(turn)}`, toAgent()),
  resumeAgent: async (_request, { attempt, turn }) => note(`resume ${attempt}${toRound(turn)}`, toAgent()),
  reachRepository: async () => ({
    ...{ url: "https://example.com/o/r.git", publishing: "branch", coAuthor: null, pullRequests: null, locate: null },
    readCredential: async () => null,
    writeCredential: async () => null,
    author: async () => ({ name: "n", email: "e" }),
    checkPermission: async () => {},
  }),
  cloneWorkspace: async () => note("clone", { ...base, mirrorPath: "/m", indexPath: "/i" }),
  setUp: async () => note("set up", undefined),
  readLogStart: async () => ({ events: 10, log: 20 }),
  verify: async () => note("verify", script.checks.shift() ?? { kind: "passed" }),
  discardContainers: async () => note("discard containers", undefined),
  findClone: async () => note("find clone", { ...base, mirrorPath: "/m", indexPath: "/i" }),
  collectChanges: async () => {
    const path = Buffer.from("work.txt");
    return note("collect", { treeSha: sha, changes: [{ path, kind: "added", mode: "100644" }], leftOut: [] });
  },
  findSecrets: async () => ({ kind: "found", places: [] }),
  toPublication: async (_request, { collected }) =>
    note(`publication from ${collected === null ? "the patch" : "the tree"}`, {
      ...{ request, mirrorPath: "/m", treeSha: sha, base, summary: null },
      body: {
        ...{
          files: [],
          leftOut: [],
          verification: null,
          hiddenCharacters: [],
          commands: [],
          logTail: null,
          usage: good.usage,
        },
        ...{ codexVersion: null, model: null, runningS: 0 },
      },
    }),
  preparePublishing: async () => ({ credential: null, author: { name: "n", email: "e" } }),
  publishChanges: async (_publication, { attempt }) => note(`publish ${attempt}`, undefined),
  awaitEngine: async () => note("await engine", undefined),
};

/** A run that was left while its agent worked. */
export function toRunning(turn: LaterTurn | null = null): Checkpoint {
  return { step: "running", ...begun, base, beganAt: readMachineTime(), turn, logStart: { events: 0, log: 0 } };
}

/** A run that was left when a turn had ended. */
export function toEnded({ rounds = 0 } = {}): Checkpoint {
  return { step: "ended", ...begun, base, ended: good, beganAt: readMachineTime(), rounds, outcome: null };
}

/** The journal of a run that was left at a checkpoint, or begins now. */
export function openJournal(reached: Checkpoint | null, writer: Partial<RunWriter> = {}): Journal {
  const left = new AbortController();
  return createJournal({
    writer: {
      setCheckpoint: async (checkpoint) => void script.written.push(checkpoint),
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

/** Carries a run out with the noted stages. */
export function execute(
  reached: Checkpoint | null,
  { asked = request, ...changes }: Partial<Stages> & { asked?: RunRequest } = {},
): Promise<RunOutcome> {
  const journal = openJournal(reached);
  const { signal } = new AbortController();
  return executeRun(asked, {
    stages: { ...stages, ...changes },
    journal,
    facts: script.facts,
    enter: () => {},
    signal,
  });
}
