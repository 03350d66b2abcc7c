import { toRunFailure, type RunFailure } from "./failure.ts";
import type { Resume, RunRequest } from "./request.ts";
import type { RunResult } from "./result.ts";

/** What a run that goes on with an earlier one takes over from it. */
export type Continuation = Pick<
  RunRequest,
  | "repository"
  | "mode"
  | "base"
  | "branch"
  | "dir"
  | "model"
  | "effort"
  | "draft"
  | "allow_protected"
  | "resume"
  | "output_schema"
  | "protected"
  | "instructions"
  | "rules"
  | "pull"
>;

/**
 * What a run takes over that goes on with the Codex thread of an earlier one, or why there is nothing to go on with. Changes
 * that were pushed are continued on their branch, also by a reply to a reply that added nothing; changes that were only kept
 * stand in the workspace again.
 */
export function toContinuation(
  request: RunRequest,
  result: RunResult,
): { kind: "continues"; continuation: Continuation } | { kind: "refused"; failure: RunFailure } {
  const threadId = result.codex?.thread_id ?? null;
  if (threadId === null) return { kind: "refused", failure: toNoThread(request) };
  const secret = findUncheckedSecret(request, result);
  if (secret !== null) return { kind: "refused", failure: secret };
  const { repository, mode, dir, model, effort, draft, protected: held, instructions, rules } = request;
  const changes = toChanges(request, result);
  const branch = result.branch ?? request.branch;
  return {
    kind: "continues",
    continuation: {
      ...{
        repository,
        mode,
        dir,
        model,
        effort,
        draft,
        // Who allowed it did so for that one change.
        allow_protected: false,
        protected: held,
        instructions,
        rules,
        output_schema: null,
        // What a run that only reads was about is read again; the branch of any other has moved on.
        pull: mode === "ask" ? request.pull : null,
      },
      base: changes === "pushed" ? branch : (result.base?.ref ?? request.base),
      branch,
      resume: {
        run_id: request.run_id,
        thread_id: threadId,
        changes,
        base_ref: request.resume?.base_ref ?? result.base?.ref ?? request.base,
        base_sha: changes === "kept" ? (result.base?.sha ?? null) : null,
      },
    },
  };
}

function toChanges(request: RunRequest, { branch, commit, output, base }: RunResult): Resume["changes"] {
  if (branch !== null && commit !== null) return "pushed";
  if (output.files_changed.length > 0 && (base?.sha ?? null) !== null) return "kept";
  return isOnOwnBranch(request) ? "pushed" : "none";
}

/** Whether a run goes on, by a further commit, with a branch that an earlier run of its thread pushed. */
export function isOnOwnBranch({ resume, base, branch }: RunRequest): boolean {
  return resume !== null && branch !== null && base === branch;
}

/**
 * Whether a run pushes to a branch that is there: one of its thread, or the head of the pull request that it is about. Any other
 * branch is its own to make.
 */
export function isOnStandingBranch(request: RunRequest): boolean {
  const { pull, base, branch } = request;
  return isOnOwnBranch(request) || (pull?.head === "same-repository" && branch !== null && base === branch);
}

/**
 * Why what an earlier run kept must not stand in another workspace: it holds a secret, or may hold one of the run's variables,
 * whose values nobody knows any more. Finished work and what stands behind a question were looked through for them.
 */
function findUncheckedSecret(request: RunRequest, result: RunResult): RunFailure | null {
  if (toChanges(request, result) !== "kept") return null;
  if (result.error?.reason === "secret-found")
    return toRunFailure("secret-found", { message: "What the earlier run changed holds a secret." });
  const isChecked = result.status === "done" || result.status === "need_user";
  if (request.env_vars === null || isChecked) return null;
  return toRunFailure("secret-found", {
    message: "The earlier run was cut off, and what it changed may hold values of its variables, which are forgotten.",
    hint: "Look at the patch with `codex-orchestrator runs diff`, and start a new run.",
  });
}

function toNoThread({ resume }: RunRequest): RunFailure {
  const message = "The earlier run never came as far as a Codex thread, so there is nothing to go on with.";
  return toRunFailure("thread-missing", {
    message,
    ...(resume === null ? {} : { hint: `Reply once more to the run before it, ${resume.run_id}, or start a new run.` }),
  });
}
