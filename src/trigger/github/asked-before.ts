import type { CommandSpot } from "../../run/github-thread.ts";
import type { RunRecord } from "../../store/runs.ts";
import type { AnswerOptions } from "./command-call.ts";

/**
 * Whether a run was asked for before this command was given. A command can come long after that, when its delivery was missed
 * or a process died, and is never about what was asked for since. GitHub tells seconds: what was asked for within the same
 * one counts as before, where ids do not tell otherwise.
 */
export async function isAskedBefore(
  { runId, acceptedAt }: RunRecord,
  { call, deps }: Pick<AnswerOptions, "call" | "deps">,
): Promise<boolean> {
  const { spot, createdAt } = call.created.comment;
  const asked = (await deps.findRequest(runId))?.thread ?? null;
  const isOlder = asked !== null && asked.comment_id < spot.comment_id;
  if (asked !== null && isInConversation(asked) && isInConversation(spot)) return isOlder;
  const aheadS = toSecond(spot.given_at ?? createdAt) - toSecond(asked?.given_at ?? acceptedAt);
  return aheadS === 0 && asked?.source === "review-comment" && spot.source === "review-comment" ? isOlder : aheadS >= 0;
}

/** The ids of these grow with time; those of what can wait in a review grow from when it was drafted. */
function isInConversation({ source, occasion }: CommandSpot): boolean {
  return source === "issue-comment" && occasion === null;
}

function toSecond(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
