import { REVIEW_SCHEMA } from "../../../run/review.ts";
import type { RunRequest } from "../../../run/request.ts";
import type { AnswerOptions, Tell } from "../command-call.ts";
import { CommandOptions } from "../command-options.ts";
import { reply } from "../reply.ts";
import type { RepositorySettings } from "../../../repo-settings/settings.ts";
import { startRun } from "../start-run.ts";

/** What a review without a focus is asked for by. */
const WHOLE = "Review this pull request.";

export type StartReviewOptions = AnswerOptions & { settings: RepositorySettings };

/** Starts the review of a pull request; on an issue it says why there is none. Rejects when the run is not accepted. */
export async function startReview({ focus }: { focus: string }, options: StartReviewOptions): Promise<Tell> {
  if (options.call.created.issue.kind === "issue") {
    const text = "I can only review a pull request, and this is an issue.";
    return () => reply({ kind: "no-place", text }, { ...options, reaction: "confused" });
  }
  const prompt = focus === "" ? WHOLE : `${WHOLE} Look at this above all: ${focus}`;
  const command = { kind: "run", options: CommandOptions.parse({ mode: "ask" }), prompt } as const;
  return startRun(command, { ...options, form: { purpose: "review", output_schema: REVIEW_SCHEMA } });
}

/** Whether a review looks at the whole change, and not at one side of it. */
export function isWholeReview({ prompt }: Pick<RunRequest, "prompt">): boolean {
  return prompt === WHOLE;
}
