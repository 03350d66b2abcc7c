import type { Logger } from "../../logger.ts";
import type { Mask } from "../../masking/mask.ts";
import type { RunReporter } from "../../orchestrator/run-reporter.ts";
import type { RunId } from "../../run/id.ts";
import type { GitHubThread } from "../../run/github-thread.ts";
import type { RunRequest } from "../../run/request.ts";
import type { LiveState } from "../../run/state.ts";
import { passStep } from "../../steps.ts";
import { createCheckRun, type CheckRun } from "./check-run.ts";
import { type CommentClaim, throwReportError } from "./comment-writer.ts";
import type { CommandPlace } from "./command-place.ts";
import { putReaction } from "./comment.ts";
import type { GitHubAppDeps } from "./deps.ts";
import { toProgressText } from "./progress-words.ts";
import { ReportError } from "./report-error.ts";
import { reportReview, type ReportReviewOptions } from "./review/report-review.ts";
import { toResultText } from "./result-words.ts";
import { toStatus } from "./retry.ts";
import { createStatusComment, type StatusComment } from "./status-comment.ts";

/** The record of a run's status comment, which holds over processes and machines. */
export type CommentRecord = {
  /** Who may post the comment; when it is this process, nobody else may from then on. */
  reserve(runId: RunId): Promise<CommentClaim>;
  /** Notes the comment that was posted, or `NO_COMMENT` when GitHub refused it. */
  note(runId: RunId, commentId: number): Promise<void>;
  /** Gives up a reservation: the comment could not be posted for now, though a try may have got through. */
  giveBack(runId: RunId): Promise<void>;
  /** Whether this process may still tell how the run goes on: no other has it in hand. */
  mayEdit(runId: RunId): Promise<boolean>;
};

export type GitHubReporterOptions = Pick<GitHubAppDeps, "octokitFor" | "botLogin"> & {
  comments: CommentRecord;
  /** The page of a run, for those who read its comment; null where there is none. Default: none. */
  toPageUrl?: (runId: RunId) => string | null;
  /** How many days what a run left is kept, when that is to be told. */
  retentionDays?: number;
  /** Takes known secrets out of what is posted. */
  mask: Mask;
  log: Logger;
  /**
   * Whether the place of a waiting run is kept current. Only where no other process can begin the run meanwhile, since a
   * late edit would stand over that one's words. Default `posted-once`.
   */
  placeInLine?: "kept-current" | "posted-once";
  /** Least time between two edits of one comment, in milliseconds. Default 5000. */
  minGapMs?: number;
  /** How long the last word waits for a process that is about to post the comment, in milliseconds. Default 30 s. */
  othersMs?: number;
};

/** How far our clock may be ahead of GitHub's, in milliseconds. */
const CLOCK_SKEW_MS = 15 * 60_000;

type Reported = {
  comment: StatusComment;
  /** Null for a run that is not about a pull request. */
  check: CheckRun | null;
  place: CommandPlace;
  thread: GitHubThread;
  state: LiveState | null;
  log: Logger;
};

/**
 * Tells the runs that came from GitHub where they were asked for: one comment per run over all processes, edited in
 * place, and at the end 🚀 or 😕 on the command. Runs without a GitHub thread are passed over. Nothing that GitHub refuses
 * stops a run; when GitHub is away for long, `onFinished` rejects with `ReportError` and is to be called again later,
 * by whichever process.
 */
export function createGitHubReporter(options: GitHubReporterOptions): RunReporter {
  const { mask, placeInLine = "posted-once" } = options;
  const runs = new Map<RunId, Reported>();

  const find = (request: RunRequest): Reported | null => {
    const known = runs.get(request.run_id) ?? toReported(request, { ...options, note });
    if (known !== null) runs.set(request.run_id, known);
    return known;
  };
  const note = async (runId: RunId, commentId: number): Promise<void> => {
    await options.comments.note(runId, commentId);
    // Whoever takes the run out of the queue finds the comment in the record.
    if (runs.get(runId)?.state === "queued" && placeInLine === "posted-once") runs.delete(runId);
  };

  return {
    onProgress: (request, progress) => {
      const reported = find(request);
      if (reported === null) return;
      const isNews = reported.state !== progress.state;
      const stage = progress.state === "queued" && placeInLine === "posted-once" ? "opening" : "stage";
      reported.state = progress.state;
      const { run_id: runId, hidden } = request;
      const text = mask.text(toProgressText(progress, { runId, hidden, pageUrl: options.toPageUrl?.(runId) ?? null }));
      if (progress.state !== "queued") reported.check?.begin();
      reported.comment.show(text, { change: isNews || stage === "opening" ? stage : "detail" });
    },
    onFinished: async ({ request, ...finished }) => {
      const reported = find(request);
      if (reported === null) return;
      const review = await reportReview({ request, result: finished.result }, toReviewOptions(reported, options));
      const text = mask.text(
        toResultText({
          ...{ ...finished, review, checks: request.rules.ci === "hold" ? "held" : "run" },
          pageUrl: options.toPageUrl?.(request.run_id) ?? null,
          retentionDays: options.retentionDays ?? null,
        }),
      );
      await reported.comment.finish(text);
      passStep("comment-finished");
      await reported.check?.finish(finished.result, { text });
      await react(reported, { ...options, content: finished.result.status === "done" ? "rocket" : "confused" });
      runs.delete(request.run_id);
    },
  };
}

function toReviewOptions({ place, thread, log }: Reported, options: GitHubReporterOptions): ReportReviewOptions {
  const octokit = () => options.octokitFor(thread.installation_id, thread.repository_id);
  return { octokit, place, botLogin: () => options.botLogin(), mask: options.mask, log };
}

type ToReportedOptions = GitHubReporterOptions & { note: CommentRecord["note"] };

function toReported(request: RunRequest, options: ToReportedOptions): Reported | null {
  const { thread, repository, run_id: runId, accepted_at: acceptedAt } = request;
  if (thread === null || repository.kind !== "github") return null;
  const { minGapMs, othersMs } = options;
  const place: CommandPlace = {
    owner: repository.owner,
    repo: repository.name,
    number: thread.number,
    spot: thread,
  };
  const log = options.log.child({ runId });
  const comment = createStatusComment({
    octokit: () => options.octokitFor(thread.installation_id, thread.repository_id),
    place,
    marker: `<!-- codex-run:${runId} -->`,
    since: new Date(Date.parse(acceptedAt) - CLOCK_SKEW_MS).toISOString(),
    botLogin: () => options.botLogin(),
    reserve: () => options.comments.reserve(runId),
    note: (commentId) => options.note(runId, commentId),
    giveBack: () => options.comments.giveBack(runId),
    mayEdit: () => options.comments.mayEdit(runId),
    log,
    ...(minGapMs === undefined ? {} : { minGapMs }),
    ...(othersMs === undefined ? {} : { othersMs }),
  });
  return { comment, check: toCheckRun(request, { ...options, place, log }), place, thread, state: null, log };
}

function toCheckRun(
  { thread, pull, run_id: runId, trigger }: RunRequest,
  { place, log, octokitFor, toPageUrl }: GitHubReporterOptions & { place: CommandPlace },
): CheckRun | null {
  if (thread === null || pull === null) return null;
  return createCheckRun({
    octokit: () => octokitFor(thread.installation_id, thread.repository_id),
    ...{ repository: { owner: place.owner, repo: place.repo }, runId, headSha: pull.head_sha },
    detailsUrl: toPageUrl?.(runId) ?? trigger.url,
    log,
  });
}

type ReactOptions = Pick<GitHubReporterOptions, "octokitFor"> & { content: "rocket" | "confused" };

/** Reacts on the command; a refusal is logged, and an outage is a `ReportError`. */
async function react({ thread, place, log }: Reported, { octokitFor, content }: ReactOptions): Promise<void> {
  try {
    const octokit = await octokitFor(thread.installation_id, thread.repository_id);
    await putReaction(octokit, { place, content }).catch(throwReportError);
  } catch (error) {
    if (error instanceof ReportError) throw error;
    log.warn({ content, status: toStatus(error) }, "reaction was not accepted");
  }
}
