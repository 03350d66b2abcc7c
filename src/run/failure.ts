import { z } from "zod";

/** Every reason a run can fail for. The list is closed. */
export const FailureReason = z.enum([
  "clone-failed",
  "repository-empty",
  "base-missing",
  "thread-missing",
  "image-missing",
  "image-unusable",
  "docker-unavailable",
  "container-refused",
  "engine-lost",
  "setup-failed",
  "model-auth",
  "model-quota",
  "model-unavailable",
  "codex-failed",
  "answer-invalid",
  "out-of-memory",
  "disk-full",
  "stalled",
  "budget-exceeded",
  "push-rejected",
  "pull-request-failed",
  "protected-files",
  "secret-found",
  "patch-too-large",
  "permission-withdrawn",
  "interrupted",
  "internal",
]);
export type FailureReason = z.infer<typeof FailureReason>;

/** The sentence that tells people what to do about each. */
const hints: Record<FailureReason, string> = {
  "clone-failed": "Check that the repository can be reached and that the App or token may read it, then try again.",
  "repository-empty": "Push a first commit to the repository, then try again.",
  "base-missing": "Name a branch that exists with --base, then try again.",
  "thread-missing": "Start a new run, and say in its prompt what is known so far.",
  "image-missing":
    "Build the runner image with `codex-orchestrator image build`, or set CODEX_IMAGE to one that exists.",
  "image-unusable": "Rebuild the runner image with `codex-orchestrator image build`.",
  "docker-unavailable":
    "Start the Docker engine, check DOCKER_HOST, then try again; `codex-orchestrator doctor` shows more.",
  "container-refused": "The engine changed the container's profile; look at its daemon settings, then try again.",
  "engine-lost": "The Docker engine stopped during the run; check it, then try again.",
  "setup-failed":
    "Mend `setup` in .github/codex.yml on the default branch, then try again; the log holds all it printed.",
  "model-auth": "Check OPENAI_API_KEY: the model API did not accept it.",
  "model-quota": "Check the plan, billing and rate limits of the model account, then try again.",
  "model-unavailable":
    "The model API could not be used; try again later, and check OPENAI_BASE_URL and the model's name.",
  "codex-failed": "Read the log of the run for what Codex said, then try again.",
  "answer-invalid": "Ask again, or loosen the schema; the log holds the answer as it came.",
  "out-of-memory": "Raise RUN_MEMORY, or ask for less at once.",
  "disk-full": "Free disk space or raise RUN_DISK, then try again.",
  stalled: "Try again; raise STALL_TIMEOUT when the work is silent for long.",
  "budget-exceeded": "Raise the budget, or ask for less at once.",
  "push-rejected": "Mend what the message names, then publish again; the changes are kept as a patch.",
  "pull-request-failed": "The branch is pushed; publish again to open the pull request, or open it by hand.",
  "protected-files": "Look at the patch; publish it with --allow-protected when the change is wanted.",
  "secret-found": "Remove the secret from the change with a new run.",
  "patch-too-large": "Ask for less at once, or keep generated files out with .gitignore; the log tells what was found.",
  "permission-withdrawn": "Ask somebody who may write to the repository to publish the change.",
  interrupted: "The server stopped during the run; ask again.",
  internal: "This is a defect in Codex Orchestrator; please report it with the run's log.",
};

/** What went wrong, as it stands in the result document: one sentence for what happened, one for what to do. */
export const RunFailure = z.object({
  reason: FailureReason,
  message: z.string().min(1),
  hint: z.string().min(1),
});
export type RunFailure = z.infer<typeof RunFailure>;

export type ToRunFailureOptions = { message: string; hint?: string | undefined };

/** Builds a failure, with the reason's usual hint unless a better one is given. */
export function toRunFailure(
  reason: FailureReason,
  { message, hint = hints[reason] }: ToRunFailureOptions,
): RunFailure {
  return { reason, message, hint };
}

export type RunErrorOptions = {
  hint?: string | undefined;
  cause?: unknown;
  /** What people may want to read besides, in Markdown. */
  details?: string | undefined;
};

/** What a stage throws when it cannot do its part. Only the orchestrator catches it. */
export class RunError extends Error {
  override readonly name = "RunError";
  readonly failure: RunFailure;
  readonly details: string | null;

  constructor(reason: FailureReason, message: string, { hint, cause, details }: RunErrorOptions = {}) {
    super(message, { cause });
    this.details = details ?? null;
    this.failure = toRunFailure(reason, { message, hint });
  }
}
