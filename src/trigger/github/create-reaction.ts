import type { GitHubClient } from "./client.ts";
import type { CommandPlace, Reaction } from "./command-place.ts";
import { SINGLE_TRY } from "./retry.ts";

/** Names of reactions in GraphQL (docs.github.com, ReactionContent). */
const graphqlNames = { eyes: "EYES", rocket: "ROCKET", confused: "CONFUSED", "-1": "THUMBS_DOWN" } as const;

const ADD_REACTION = `mutation ($subjectId: ID!, $content: ReactionContent!) {
  addReaction(input: { subjectId: $subjectId, content: $content }) { reaction { content } }
}`;

/** Puts a reaction on whatever holds the command, in one call. What stands there already is not put there twice. */
export async function createReaction(
  octokit: GitHubClient,
  { place, content }: { place: CommandPlace; content: Reaction },
): Promise<void> {
  const { owner, repo, number, spot } = place;
  const common = { owner, repo, content, request: SINGLE_TRY };
  const { reactions } = octokit.rest;
  switch (spot.source) {
    case "issue-comment":
      await reactions.createForIssueComment({ ...common, comment_id: spot.comment_id });
      return;
    case "review-comment":
      await reactions.createForPullRequestReviewComment({ ...common, comment_id: spot.comment_id });
      return;
    case "issue":
    case "label":
      await reactions.createForIssue({ ...common, issue_number: number });
      return;
    case "review":
      // REST knows no reactions on reviews.
      await octokit.graphql(ADD_REACTION, {
        subjectId: spot.node_id,
        content: graphqlNames[content],
        request: SINGLE_TRY,
      });
  }
}
