import type { Logger } from "../../../logger.ts";
import type { Mask } from "../../../masking/mask.ts";
import type { FinishedRun } from "../../../orchestrator/run-reporter.ts";
import type { GitHubClient } from "../client.ts";
import { throwReportError } from "../comment-writer.ts";
import type { CommandPlace } from "../command-place.ts";
import { ReportError } from "../report-error.ts";
import { toStatus } from "../retry.ts";
import { isWholeAnswer, readReview } from "../../../run/review.ts";
import { toBodyText } from "./review-words.ts";
import { postReview } from "./post-review.ts";
import { settleThreads } from "./settle-threads.ts";
import { isWholeReview } from "./start-review.ts";

export type ReportReviewOptions = {
  octokit: () => Promise<GitHubClient>;
  place: CommandPlace;
  botLogin: () => Promise<string>;
  mask: Mask;
  log: Logger;
};

/** Where a review stands; `refused`: GitHub did not take it, so its words have to be shown elsewhere. */
export type ReportedReview = { kind: "posted"; url: string } | { kind: "refused"; text: string };

/**
 * Posts what a review came to, and settles what was found before and is gone. Resolves with null for a run that is none, or
 * has not come to one. Rejects with `ReportError` when GitHub is away for long.
 */
export async function reportReview(
  { request, result }: Pick<FinishedRun, "request" | "result">,
  { place, log, mask, ...options }: ReportReviewOptions,
): Promise<ReportedReview | null> {
  const { pull, run_id: runId } = request;
  if (request.purpose !== "review" || pull === null || result.status !== "done") return null;
  try {
    const octokit = await options.octokit();
    const login = await options.botLogin().catch(throwReportError);
    const posted = await postReview(octokit, {
      ...{ runId, place, pull, login, data: result.output.data },
      mask: mask.text,
    }).catch(throwReportError);
    const { gone } = posted.placement;
    // A look at one side of a change says nothing about the others, unless the lines themselves are gone.
    const looked = isWholeReview(request) ? gone : gone.filter(({ lines }) => lines === "moved");
    const settled = isWholeAnswer(readReview(result.output.data)) ? looked : [];
    await settleThreads(octokit, { place, headSha: pull.head_sha, gone: settled, log });
    return { kind: "posted", url: posted.url };
  } catch (error) {
    if (error instanceof ReportError) throw error;
    log.warn(toStatus(error) === null ? { err: error } : { status: toStatus(error) }, "review was not accepted");
    const { summary, findings } = readReview(result.output.data);
    const rest = { inline: [], repeated: [], note: null };
    return {
      kind: "refused",
      text: toBodyText(summary, { ...rest, elsewhere: findings, runId, headSha: pull.head_sha }),
    };
  }
}
