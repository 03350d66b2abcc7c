import { z } from "zod";

/**
 * What holds a command: a comment of the conversation, a comment on a line of a pull request, the body of a review, the
 * opening text of an issue, or an issue that somebody put a label on. Ids of different sources are ids of different things.
 */
export const CommandSource = z.enum(["issue-comment", "review-comment", "review", "issue", "label"]);
export type CommandSource = z.infer<typeof CommandSource>;

/** Where a command stands. Records of before other places than comments were heard have the defaults. */
export const CommandSpot = z.object({
  source: CommandSource.default("issue-comment"),
  /** Id of the comment or the review; of an issue's text or label the id of the issue. */
  comment_id: z.int().positive(),
  /** The same for GraphQL, where REST can't react to it. */
  node_id: z.string().nullable().default(null),
  /** The first comment of the line's thread, which replies go to; null: they go to the conversation. */
  line_thread: z.int().positive().nullable().default(null),
  /** Tells apart what happens more than once in one place, as a label that is put on again. */
  occasion: z.string().nullable().default(null),
  /** When the command was given, by GitHub's clock; null where that is not known, or it was given elsewhere. */
  given_at: z.iso.datetime({ offset: true }).nullable().default(null),
});
export type CommandSpot = z.infer<typeof CommandSpot>;

/** Where on GitHub a run was asked for; the place that gets the answer. */
export const GitHubThread = CommandSpot.extend({
  installation_id: z.int().positive(),
  repository_id: z.int().positive(),
  /** Number of the issue or pull request. */
  number: z.int().positive(),
  is_pull_request: z.boolean(),
  actor_id: z.int().positive(),
});
export type GitHubThread = z.infer<typeof GitHubThread>;

/** The one name of a command over all its deliveries. Comments of the conversation have kept the name they always had. */
export function toCommandKey({
  repository_id: repository,
  ...spot
}: Pick<GitHubThread, "repository_id" | "source" | "comment_id" | "occasion">): string {
  const { source, comment_id: id, occasion } = spot;
  const kind = source === "issue-comment" ? "" : `${source}/`;
  return `${repository}/${kind}${id}${occasion === null ? "" : `/${occasion}`}`;
}
