import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { expect, test } from "vitest";
import { z } from "zod";
import { FailureReason } from "../../src/run/failure.ts";

const root = join(import.meta.dirname, "..", "..");

/** For each reason a test in which real parts produce it: git, Docker, the Codex CLI, the whole product. */
const producers: Record<FailureReason, [file: string, title: string]> = {
  "clone-failed": [
    "test/e2e/endings.test.ts",
    "error: a folder to work in that is not there, before the model is asked",
  ],
  "repository-empty": [
    "test/workspace/clone-workspace.test.ts",
    "RP-001: an empty repository is refused as empty, with and without a branch",
  ],
  "base-missing": [
    "test/e2e/continue.test.ts",
    "a branch that was merged and deleted cannot be gone on with, and that is said",
  ],
  "thread-missing": [
    "test/e2e/continue.test.ts",
    "what is not over, never began, or is not kept any more cannot be gone on with, and that is said",
  ],
  "image-missing": ["test/e2e/endings.test.ts", "error: IN-005: a runner image that is missing, without any pull"],
  "image-unusable": [
    "test/container/profile.docker.test.ts",
    "CT-020: an image without Codex is unusable, in one clean line",
  ],
  "docker-unavailable": ["test/container/profile.docker.test.ts", "an engine that is away is said to be away"],
  "container-refused": [
    "test/container/profile.docker.test.ts",
    "what the engine made otherwise is refused by the field's name, never started, and removed",
  ],
  "engine-lost": [
    "test/container/engine-lost.docker.test.ts",
    "IN-003: killed with the container: `lost`, never the exit code it shows later",
  ],
  "setup-failed": [
    "test/e2e/verify.test.ts",
    "a setup that fails ends the run before the model is asked, with its command and last lines",
  ],
  "model-auth": ["test/e2e/endings.test.ts", "error: a refused model key, named as such, and within seconds"],
  "model-quota": [
    "test/codex/codex.docker.test.ts",
    "no quota, told by status or inside the stream, ends the run at once",
  ],
  "model-unavailable": [
    "test/codex/codex.docker.test.ts",
    "ML-004: a model that answers 500 for good ends the run within a minute",
  ],
  "codex-failed": [
    "test/e2e/endings.test.ts",
    "CT-006: events that a command prints for Codex are advice only: the exit code decides",
  ],
  "answer-invalid": [
    "test/e2e/variables-and-answers.test.ts",
    "that does not fit ends the run as an error, and keeps the change: %s",
  ],
  "out-of-memory": ["test/e2e/endings.test.ts", "out of memory, told apart from a failing agent"],
  "disk-full": ["test/container/supervise.docker.test.ts", "CT-016: filling the workspace ends it as disk-full"],
  stalled: ["test/e2e/endings.test.ts", "stalled: a model that says nothing more"],
  "budget-exceeded": [
    "test/e2e/budgets.test.ts",
    "a run for a model that is not allowed ends before anything is begun; a day's budget ends the run that uses it up, with its changes kept, and the one that waits; it refuses who asks then",
  ],
  "push-rejected": [
    "test/e2e/publishing.test.ts",
    "a rejected push keeps the patch, says why, and publishing again brings it home without the model",
  ],
  "pull-request-failed": [
    "test/e2e/publishing.test.ts",
    "a pull request that cannot be opened leaves the branch, and publishing again opens it",
  ],
  "protected-files": [
    "test/e2e/publishing.test.ts",
    "protected files are held back, and published when somebody allows them",
  ],
  "secret-found": [
    "test/e2e/publishing.test.ts",
    "a change with what looks like a token is held: the comment says where, nothing publishes it but a new run",
  ],
  "patch-too-large": ["test/workspace/ingest-limits.test.ts", "more changed paths than the limit end the ingest"],
  "permission-withdrawn": [
    "test/e2e/publishing.test.ts",
    "AZ-011: a permission withdrawn during the run keeps the patch and pushes nothing, until another writer publishes it",
  ],
  interrupted: [
    "test/e2e/variables-and-answers.test.ts",
    "end the run when their key is gone, before anything is paid for",
  ],
  internal: ["test/orchestrator.test.ts", "finished work survives %s while it is published"],
};

const Call = z.looseObject({
  start: z.number(),
  end: z.number(),
  arguments: z.array(z.looseObject({ value: z.unknown().optional() })),
});

/** The text of the one test of this title, with its table where it has one; null when there is none, or it is skipped. */
function findTest(file: string, { title }: { title: string }): string | null {
  const text = readFileSync(join(root, file), "utf8");
  const found: string[] = [];
  const { program } = parseSync(file, text);
  new Visitor({
    CallExpression: (node) => {
      const call = Call.parse(node);
      if (call.arguments[0]?.value === title) found.push(text.slice(call.start, call.end));
    },
  }).visit(program);
  const [only = ""] = found;
  return found.length === 1 && /^test(?:\.each)?\(/.test(only) ? only : null;
}

test.each(FailureReason.options)("a test on real parts produces %s, and asserts it", (reason) => {
  const [file, title] = producers[reason];
  const text = findTest(file, { title });
  expect(text, `${file} has no test "${title}"`).not.toBeNull();
  expect(text).toMatch(new RegExp(`["\` ]${reason}[": \`]`));
  expect(text).toContain("expect(");
});
