import { z } from "zod";
import { CommandSpot, type CommandSource } from "../../run/github-thread.ts";
import {
  ConversationComment,
  LabeledIssue,
  LineComment,
  OpenedIssue,
  SubmittedReview,
  type Account,
  type Home,
} from "./payload-fields.ts";

/** The line of a pull request that a comment stands on, as it stood there; data of strangers. */
export type CommentedLine = {
  path: string;
  /** Null where it is not known any more. */
  line: number | null;
  startLine: number | null;
  side: "LEFT" | "RIGHT";
  /** The part of the diff that ends with the line. */
  hunk: string;
};

/** A label that was put on an issue. `own-opening`: by the issue's author, as it was opened. */
export type PutLabel = { name: string; when: "own-opening" | "later" };

/** A text that somebody wrote on an issue or a pull request, wherever people write, or a label that was put on an issue. */
export type CommentCreated = {
  installationId: number | null;
  repository: { id: number; owner: string; name: string; defaultBranch: string | null };
  /** `body` is empty where it is the comment itself. */
  issue: { number: number; title: string; body: string; kind: "issue" | "pull-request" };
  comment: { id: number; spot: CommandSpot; body: string; url: string; createdAt: string; author: Account | null };
  line: CommentedLine | null;
  /** With a label the comment is the issue's text, and its author whoever put the label on. */
  label: PutLabel | null;
  sender: Account | null;
};

export type ParsedPayload =
  /** `fields`: what is kept of a delivery, in GitHub's own shape; it reads the same again. */
  | { kind: "comment"; comment: CommentCreated; fields: object }
  /** A well-formed event that never starts anything: another event or action, or one without any text. */
  | { kind: "other" }
  /** `problem` names fields, never their values: it may be logged. */
  | { kind: "invalid"; problem: string };

type Reading = (payload: unknown) => ParsedPayload;

/** The events that can hold a command, and how each is read. Edited and deleted texts are none of them. */
const readings = {
  "issue_comment.created": (payload) => read(payload, { fields: ConversationComment, to: toConversationComment }),
  "pull_request_review_comment.created": (payload) => read(payload, { fields: LineComment, to: toLineComment }),
  "pull_request_review.submitted": (payload) => read(payload, { fields: SubmittedReview, to: toReview }),
  "issues.opened": (payload) => read(payload, { fields: OpenedIssue, to: toOpened }),
  "issues.labeled": (payload) => read(payload, { fields: LabeledIssue, to: toLabeled }),
} as const satisfies Record<string, Reading>;

/** Names of the events that can hold a command, with their action. */
export const COMMAND_EVENTS = [
  "issue_comment.created",
  "pull_request_review_comment.created",
  "pull_request_review.submitted",
  "issues.opened",
  "issues.labeled",
] as const satisfies (keyof typeof readings)[];

/** Whether events of this name and action can hold a command. Most of what an App is sent cannot. */
export function isCommandEvent(event: string, { action }: { action: string | null }): boolean {
  return Object.hasOwn(readings, `${event}.${action}`);
}

const Action = z.object({ action: z.string() });

/** Under this name the fields of a text carry what was read from them, so that they are read once. */
const READ = Symbol("read");

function isRead(payload: unknown): payload is { [READ]: CommentCreated } {
  return typeof payload === "object" && payload !== null && Object.hasOwn(payload, READ);
}

/** Reads the payload of a webhook event. Only new texts and labels are looked at; all other events are `other`, unread. */
export function parsePayload(payload: unknown, { event }: { event: string }): ParsedPayload {
  if (isRead(payload)) return { kind: "comment", comment: payload[READ], fields: payload };
  const name = `${event}.${Action.safeParse(payload).data?.action}`;
  const reading = COMMAND_EVENTS.find((known) => known === name);
  return reading === undefined ? { kind: "other" } : readings[reading](payload);
}

type ReadOptions<Fields extends object> = { fields: z.ZodType<Fields>; to: (fields: Fields) => CommentCreated | null };

function read<Fields extends object>(payload: unknown, { fields, to }: ReadOptions<Fields>): ParsedPayload {
  const parsed = fields.safeParse(payload);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map(({ path }) => path.join(".")));
    return { kind: "invalid", problem: `${[...names].join(", ")} are not as expected` };
  }
  const comment = to(parsed.data);
  if (comment === null) return { kind: "other" };
  return { kind: "comment", comment, fields: Object.assign(parsed.data, { [READ]: comment }) };
}

function toHome({ installation, repository, sender }: Home) {
  return {
    installationId: installation?.id ?? null,
    repository: {
      id: repository.id,
      owner: repository.owner.login,
      name: repository.name,
      defaultBranch: repository.default_branch ?? null,
    },
    sender: sender ?? null,
    line: null,
    label: null,
  };
}

type Thread = { number: number; title: string; body?: string | null | undefined };

function toThread({ number, title, body }: Thread, kind: "issue" | "pull-request") {
  return { number, title, body: body ?? "", kind };
}

type Written = { id: number; body: string; html_url: string; created_at: string; user: Account | null };
type Spot = { source: CommandSource } & Partial<CommandSpot>;

function toText({ id, body, html_url: url, created_at: createdAt, user: author }: Written, spot: Spot) {
  const placed = CommandSpot.parse({ comment_id: id, given_at: createdAt, ...spot });
  return { id, spot: placed, body, url, createdAt, author };
}

function toConversationComment({ issue, comment, ...home }: ConversationComment): CommentCreated {
  return {
    ...toHome(home),
    issue: toThread(issue, issue.pull_request ? "pull-request" : "issue"),
    comment: toText(comment, { source: "issue-comment" }),
  };
}

function toLineComment({ pull_request: pull, comment, ...home }: LineComment): CommentCreated {
  const { path, line, original_line: original, start_line: startLine, side, diff_hunk: hunk } = comment;
  return {
    ...toHome(home),
    issue: toThread(pull, "pull-request"),
    comment: toText(comment, {
      ...{ source: "review-comment", line_thread: comment.in_reply_to_id ?? comment.id },
      given_at: comment.updated_at ?? comment.created_at,
    }),
    line: { path, line: line ?? original ?? null, startLine: startLine ?? null, side: side ?? "RIGHT", hunk },
  };
}

function toReview({ pull_request: pull, review, ...home }: SubmittedReview): CommentCreated | null {
  if (!review.body) return null;
  return {
    ...toHome(home),
    issue: toThread(pull, "pull-request"),
    comment: toText(
      { ...review, body: review.body, created_at: review.submitted_at },
      { source: "review", node_id: review.node_id },
    ),
  };
}

/** An issue that came from another repository was opened there: what it says was heard, or not, at its time. */
function toOpened({ issue, changes, ...home }: OpenedIssue): CommentCreated | null {
  if (changes) return null;
  return {
    ...toHome(home),
    issue: toThread({ ...issue, body: "" }, "issue"),
    comment: toText({ ...issue, body: issue.body ?? "" }, { source: "issue" }),
  };
}

/** How much later than the issue's own time a label can stand on it that was chosen as it was opened, in milliseconds. */
const OPENING_MS = 10_000;

function toLabeled({ issue, label, ...home }: LabeledIssue): CommentCreated | null {
  if (!label) return null;
  const { updated_at: at, created_at: openedAt, user } = issue;
  const isOwn = home.sender?.id === user?.id && Date.parse(at) - Date.parse(openedAt) <= OPENING_MS;
  return {
    ...toHome(home),
    issue: toThread({ ...issue, body: "" }, "issue"),
    comment: toText(
      { ...issue, body: issue.body ?? "", created_at: at, user: home.sender ?? null },
      { source: "label", occasion: `${label.id}/${at}` },
    ),
    label: { name: label.name, when: isOwn ? "own-opening" : "later" },
  };
}
