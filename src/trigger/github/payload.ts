import { z } from "zod";
import { BranchName, Repository } from "../../run/request.ts";

const Id = z.int().positive();
/** Text as GitHub sent it, with lone surrogates replaced by U+FFFD, so that it can be written as UTF-8. */
const Text = z.string().transform((text) => text.toWellFormed());

/** An account. Bots are told by their type, never by their name. */
const Account = z.object({
  id: Id,
  login: z.string().regex(/^[A-Za-z0-9_-]{1,100}(?:\[bot\])?$/),
  type: z.string(),
});
export type Account = z.infer<typeof Account>;

/** The fields of an `issue_comment` event with the action `created` that we use; `clone_url` is never one of them. */
const CommentPayload = z
  .object({
    installation: z.object({ id: Id }).nullish(),
    repository: z.object({
      id: Id,
      name: z.string(),
      full_name: z.string(),
      default_branch: BranchName.nullish().catch(null),
      owner: z.object({ login: z.string() }),
    }),
    issue: z.object({
      number: Id,
      title: Text,
      body: Text.nullish(),
      pull_request: z.object({}).nullish(),
    }),
    comment: z.object({
      id: Id,
      body: Text,
      html_url: z.url({ protocol: /^https?$/ }),
      created_at: z.iso.datetime({ offset: true }),
      user: Account.nullable(),
    }),
    sender: Account.nullish(),
  })
  .transform(({ installation, repository, issue, comment, sender }, context) => {
    const address = Repository.safeParse({ kind: "github", owner: repository.owner.login, name: repository.name });
    if (!address.success || repository.full_name !== `${repository.owner.login}/${repository.name}`) {
      context.addIssue({ code: "custom", path: ["repository"], message: "is not a repository's name" });
      return z.NEVER;
    }
    return {
      installationId: installation?.id ?? null,
      repository: {
        id: repository.id,
        owner: repository.owner.login,
        name: repository.name,
        defaultBranch: repository.default_branch ?? null,
      },
      issue: {
        number: issue.number,
        title: issue.title,
        body: issue.body ?? "",
        kind: issue.pull_request ? ("pull-request" as const) : ("issue" as const),
      },
      comment: {
        id: comment.id,
        body: comment.body,
        url: comment.html_url,
        createdAt: comment.created_at,
        author: comment.user,
      },
      sender: sender ?? null,
    };
  });

/** A comment that somebody wrote on an issue or a pull request. */
export type CommentCreated = z.output<typeof CommentPayload>;

export type ParsedPayload =
  | { kind: "comment"; comment: CommentCreated }
  /** A well-formed event that never starts anything: another event or action. */
  | { kind: "other" }
  /** `problem` names fields, never their values: it may be logged. */
  | { kind: "invalid"; problem: string };

const Action = z.object({ action: z.literal("created") });

/** Reads the payload of a webhook event. Only new comments are looked at; all other events are `other`, unread. */
export function parsePayload(payload: unknown, { event }: { event: string }): ParsedPayload {
  if (event !== "issue_comment" || !Action.safeParse(payload).success) return { kind: "other" };
  const parsed = CommentPayload.safeParse(payload);
  if (parsed.success) return { kind: "comment", comment: parsed.data };
  const fields = new Set(parsed.error.issues.map(({ path }) => path.join(".")));
  return { kind: "invalid", problem: `${[...fields].join(", ")} are not as expected` };
}
