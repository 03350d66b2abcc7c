import type { GitHubClient } from "../client.ts";
import type { CommandPlace } from "../command-place.ts";
import { SINGLE_TRY } from "../retry.ts";
import { readFingerprint, type Fingerprint } from "./fingerprint.ts";

/** A finding of an earlier review, as it stands on its line. */
export type OwnThread = {
  commentId: number;
  path: string;
  commitId: string;
  url: string;
  fingerprint: Fingerprint;
  /** `moved`: the lines that it was about have changed since. */
  lines: "there" | "moved";
  /** Whether we said there already that it is not found any more. */
  answer: "none" | "gone";
};

/** What our answer to a finding that is gone ends with. */
export const GONE_MARK = "<!-- codex-finding-gone -->";

export type FindThreadsOptions = { place: CommandPlace; login: string };

/** The findings of our earlier reviews, oldest first. Only our own comments count: anybody can write a mark. */
export async function findOwnThreads(
  octokit: GitHubClient,
  { place, login }: FindThreadsOptions,
): Promise<OwnThread[]> {
  const comments = await octokit.paginate(octokit.rest.pulls.listReviewComments, {
    owner: place.owner,
    repo: place.repo,
    pull_number: place.number,
    per_page: 100,
    request: SINGLE_TRY,
  });
  const own = comments.filter(({ user }) => user?.login === login);
  const answered = new Set(
    own.filter(({ body }) => body.trimEnd().endsWith(GONE_MARK)).map(({ in_reply_to_id: id }) => id),
  );
  return own.flatMap(({ id, path, body, line, html_url: url, commit_id: commitId, in_reply_to_id: replyTo }) => {
    const fingerprint = (replyTo ?? null) === null ? readFingerprint(body) : null;
    if (fingerprint === null) return [];
    const lines = (line ?? null) === null ? ("moved" as const) : ("there" as const);
    return [{ commentId: id, path, commitId, url, fingerprint, lines, answer: answered.has(id) ? "gone" : "none" }];
  });
}
