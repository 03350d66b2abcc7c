import type { Logger } from "../../logger.ts";
import type { Mask } from "../../mask.ts";
import type { RunReporter } from "../../orchestrator.ts";
import type { RunId } from "../../run/id.ts";
import type { RunRequest } from "../../run/request.ts";
import type { LiveState } from "../../run/state.ts";
import { addReaction, type CommandPlace } from "./comment.ts";
import type { GitHubAppDeps } from "./deps.ts";
import { toProgressText } from "./progress-words.ts";
import { toResultText } from "./result-words.ts";
import { createStatusComment, type StatusComment } from "./status-comment.ts";

export type GitHubReporterOptions = Pick<GitHubAppDeps, "octokitFor" | "botLogin"> & {
  /** Takes known secrets out of what is posted. */
  mask: Mask;
  log: Logger;
  /** Least time between two edits of one comment, in milliseconds. Default 5000. */
  minGapMs?: number;
};

/** How far our clock may be ahead of GitHub's, in milliseconds. */
const CLOCK_SKEW_MS = 15 * 60_000;

type Reported = { comment: StatusComment; place: CommandPlace; state: LiveState | null; log: Logger };

/**
 * Tells the runs that came from GitHub where they were asked for: one comment per run, edited in place, and at the end
 * 🚀 or 😕 on the command. Runs without a GitHub thread are passed over. Nothing that GitHub refuses stops a run.
 */
export function createGitHubReporter(options: GitHubReporterOptions): RunReporter {
  const { mask, log } = options;
  const startedAtMs = Date.now();
  const runs = new Map<RunId, Reported>();

  const find = (request: RunRequest): Reported | null => {
    const known = runs.get(request.run_id) ?? toReported(request, { ...options, startedAtMs, log });
    if (known !== null) runs.set(request.run_id, known);
    return known;
  };

  return {
    onProgress: (request, progress) => {
      const reported = find(request);
      if (reported === null) return;
      const change = reported.state === progress.state ? "detail" : "stage";
      reported.state = progress.state;
      reported.comment.show(mask.text(toProgressText(progress, { runId: request.run_id })), { change });
    },
    onFinished: async ({ request, ...finished }) => {
      const reported = find(request);
      if (reported === null) return;
      runs.delete(request.run_id);
      await reported.comment.finish(mask.text(toResultText(finished)));
      const octokit = await options.octokitFor(...toTarget(request));
      const content = finished.result.status === "done" ? "rocket" : "confused";
      await addReaction(octokit, { place: reported.place, content, log: reported.log });
    },
  };
}

type ToReportedOptions = GitHubReporterOptions & { startedAtMs: number };

function toReported(request: RunRequest, options: ToReportedOptions): Reported | null {
  const { thread, repository, run_id: runId, accepted_at: acceptedAt } = request;
  if (thread === null || repository.kind !== "github") return null;
  const place: CommandPlace = {
    owner: repository.owner,
    repo: repository.name,
    number: thread.number,
    commentId: thread.comment_id,
  };
  const acceptedAtMs = Date.parse(acceptedAt);
  const log = options.log.child({ runId });
  const comment = createStatusComment({
    octokit: () => options.octokitFor(thread.installation_id, thread.repository_id),
    place,
    marker: `<!-- codex-run:${runId} -->`,
    attempt: acceptedAtMs < options.startedAtMs ? "repeat" : "new",
    since: new Date(acceptedAtMs - CLOCK_SKEW_MS).toISOString(),
    botLogin: () => options.botLogin(),
    log,
    ...(options.minGapMs === undefined ? {} : { minGapMs: options.minGapMs }),
  });
  return { comment, place, state: null, log };
}

function toTarget({ thread }: RunRequest): [number, number] {
  if (thread === null) throw new Error("This run was not asked for on GitHub.");
  return [thread.installation_id, thread.repository_id];
}
