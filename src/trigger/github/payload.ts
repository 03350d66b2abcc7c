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

/**
 * The fields of an `issue_comment` event with the action `created` that we use, in GitHub's own shape; `clone_url` is
 * never one of them. What is read from it reads the same again, so this is what is kept of a delivery.
 */
const CommentFields = z
  .object({
    action: z.literal("created"),
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
      html_url: z.string().regex(/^https?:\/\/[^\s<>"'`\\]+$/),
      created_at: z.iso.datetime({ offset: true }),
      user: Account.nullable(),
    }),
    sender: Account.nullish(),
  })
  .refine(({ repository }) => isRepositoryName(repository), { path: ["repository"] });
export type CommentFields = z.output<typeof CommentFields>;

type Names = { owner: { login: string }; name: string; full_name: string };

function isRepositoryName({ owner, name, full_name: fullName }: Names): boolean {
  const address = Repository.safeParse({ kind: "github", owner: owner.login, name });
  return address.success && fullName === `${owner.login}/${name}`;
}

/** A comment that somebody wrote on an issue or a pull request. */
export type CommentCreated = ReturnType<typeof toComment>;

function toComment({ installation, repository, issue, comment, sender }: CommentFields) {
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
}

export type ParsedPayload =
  | { kind: "comment"; comment: CommentCreated; fields: CommentFields }
  /** A well-formed event that never starts anything: another event or action. */
  | { kind: "other" }
  /** `problem` names fields, never their values: it may be logged. */
  | { kind: "invalid"; problem: string };

/** Whether events of this name and action can hold a command. Most of what an App is sent cannot. */
export function isCommandEvent(event: string, { action }: { action: string | null }): boolean {
  return event === "issue_comment" && action === "created";
}

const Action = z.object({ action: z.string() });

/** Under this name the fields of a comment carry what was read from them, so that they are read once. */
const READ = Symbol("read");
type ReadFields = CommentFields & { [READ]: CommentCreated };

function isRead(payload: unknown): payload is ReadFields {
  return typeof payload === "object" && payload !== null && Object.hasOwn(payload, READ);
}

/** Reads the payload of a webhook event. Only new comments are looked at; all other events are `other`, unread. */
export function parsePayload(payload: unknown, { event }: { event: string }): ParsedPayload {
  if (isRead(payload)) return { kind: "comment", comment: payload[READ], fields: payload };
  const action = Action.safeParse(payload).data?.action ?? null;
  if (!isCommandEvent(event, { action })) return { kind: "other" };
  const parsed = CommentFields.safeParse(payload);
  if (parsed.success) {
    const comment = toComment(parsed.data);
    return { kind: "comment", comment, fields: Object.assign(parsed.data, { [READ]: comment }) };
  }
  const fields = new Set(parsed.error.issues.map(({ path }) => path.join(".")));
  return { kind: "invalid", problem: `${[...fields].join(", ")} are not as expected` };
}
