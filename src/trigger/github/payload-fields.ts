import { z } from "zod";
import { BranchName, Repository } from "../../run/request.ts";

const Id = z.int().positive();
/** Text as GitHub sent it, with lone surrogates replaced by U+FFFD, so that it can be written as UTF-8. */
const Text = z.string().transform((text) => text.toWellFormed());
const Time = z.iso.datetime({ offset: true });
const Url = z.string().regex(/^https?:\/\/[^\s<>"'`\\]+$/);

/** An account. Bots are told by their type, never by their name. */
const Account = z.object({
  id: Id,
  login: z.string().regex(/^[A-Za-z0-9_-]{1,100}(?:\[bot\])?$/),
  type: z.string(),
});
export type Account = z.infer<typeof Account>;

const Home = z.object({
  installation: z.object({ id: Id }).nullish(),
  repository: z
    .object({
      id: Id,
      name: z.string(),
      full_name: z.string(),
      default_branch: BranchName.nullish().catch(null),
      owner: z.object({ login: z.string() }),
    })
    .refine(isRepositoryName),
  sender: Account.nullish(),
});

type Names = { owner: { login: string }; name: string; full_name: string };

function isRepositoryName({ owner, name, full_name: fullName }: Names): boolean {
  const address = Repository.safeParse({ kind: "github", owner: owner.login, name });
  return address.success && fullName === `${owner.login}/${name}`;
}

const Comment = z.object({ id: Id, body: Text, html_url: Url, created_at: Time, user: Account.nullable() });
const Thread = z.object({ number: Id, title: Text, body: Text.nullish() });
const Issue = Thread.extend({ id: Id, html_url: Url, created_at: Time, user: Account.nullable() });

/** `issue_comment`, `created`. */
export const ConversationComment = Home.extend({
  action: z.literal("created"),
  issue: Thread.extend({ pull_request: z.object({}).nullish() }),
  comment: Comment,
});

/** `pull_request_review_comment`, `created`. The `line` is gone where a later commit changed it. */
export const LineComment = Home.extend({
  action: z.literal("created"),
  pull_request: Thread,
  comment: Comment.extend({
    /** What waited in a review was last changed when that was submitted. */
    updated_at: Time.nullish().catch(null),
    path: Text,
    diff_hunk: Text,
    in_reply_to_id: Id.nullish(),
    line: Id.nullish(),
    original_line: Id.nullish(),
    start_line: Id.nullish(),
    side: z.enum(["LEFT", "RIGHT"]).nullish().catch(null),
  }),
});

/** `pull_request_review`, `submitted`. Most reviews that are submitted have no text of their own. */
export const SubmittedReview = Home.extend({
  action: z.literal("submitted"),
  pull_request: Thread,
  review: z.object({
    id: Id,
    node_id: z.string(),
    body: Text.nullish(),
    html_url: Url,
    submitted_at: Time,
    user: Account.nullable(),
  }),
});

/** `issues`, `opened`. With `changes` it was moved here from another repository. */
export const OpenedIssue = Home.extend({
  action: z.literal("opened"),
  issue: Issue,
  changes: z.object({}).nullish(),
});

/** `issues`, `labeled`; `sender` put the label on. */
export const LabeledIssue = Home.extend({
  action: z.literal("labeled"),
  issue: Issue.extend({ updated_at: Time }),
  label: z.object({ id: Id, name: Text }).nullish(),
});

export type Home = z.output<typeof Home>;
export type ConversationComment = z.output<typeof ConversationComment>;
export type LineComment = z.output<typeof LineComment>;
export type SubmittedReview = z.output<typeof SubmittedReview>;
export type OpenedIssue = z.output<typeof OpenedIssue>;
export type LabeledIssue = z.output<typeof LabeledIssue>;
