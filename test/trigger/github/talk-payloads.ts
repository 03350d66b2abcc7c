import { createPayload, octocat, type PayloadOptions } from "./comment-payload.ts";

export type TalkOptions = Pick<PayloadOptions, "body" | "action" | "user" | "sender" | "createdAt"> & { id?: number };

const PULL = { number: 42, title: "Add an email validator", body: "It closes #7." };

/** What every event holds. */
function toHome(options: TalkOptions) {
  const { installation, repository, sender } = createPayload(options);
  return { installation, repository, sender };
}

function toText({ id = 1001, body = "/codex do it", user = octocat }: TalkOptions, place: string) {
  return { id, body, user, html_url: `https://github.com/octo-org/hello/${place}-${id}` };
}

/** A comment on a line of a pull request; with `replyTo` one further down in its thread. */
export function createLineComment({ replyTo, ...options }: TalkOptions & { replyTo?: number } = {}) {
  const { createdAt = "2026-11-20T10:00:00Z", action = "created" } = options;
  return {
    ...toHome(options),
    action,
    pull_request: PULL,
    comment: {
      ...toText(options, "pull/42#discussion_r"),
      ...{ created_at: createdAt, updated_at: createdAt },
      ...{ path: "src/email.ts", line: 12, start_line: 10, original_line: 11, side: "RIGHT" },
      diff_hunk: "@@ -8,3 +8,5 @@ export\n context\n+const at = 1;\n+return at;",
      ...(replyTo === undefined ? {} : { in_reply_to_id: replyTo }),
    },
  };
}

/** A review; most have no text of their own. */
export function createReview({ body, ...options }: Omit<TalkOptions, "body"> & { body?: string | null } = {}) {
  const text = toText({ ...options, ...(typeof body === "string" ? { body } : {}) }, "pull/42#pullrequestreview");
  return {
    ...toHome(options),
    action: options.action ?? "submitted",
    pull_request: PULL,
    review: {
      ...text,
      body: body === null ? null : text.body,
      ...{ node_id: "PRR_1", state: "commented", submitted_at: options.createdAt ?? "2026-11-20T10:00:00Z" },
    },
  };
}

type IssueOptions = TalkOptions & { title?: string };

function toIssue({ title = "Add an email validator", ...options }: IssueOptions) {
  const { createdAt = "2026-11-20T10:00:00Z" } = options;
  const text = toText(options, "issues/42");
  return { ...text, number: 42, title, created_at: createdAt, html_url: "https://github.com/octo-org/hello/issues/42" };
}

/** An issue that was opened; with `changes` it came from another repository. */
export function createOpened({ changes, ...options }: IssueOptions & { changes?: object } = {}) {
  const { action = "opened" } = options;
  return { ...toHome(options), action, issue: toIssue(options), ...(changes === undefined ? {} : { changes }) };
}

export type LabelOptions = IssueOptions & { label?: string; at?: string };

/** A label that `sender` put on an issue that `user` opened. */
export function createLabeled({ label = "codex", at = "2026-11-20T12:00:00Z", ...options }: LabelOptions = {}) {
  const { action = "labeled" } = options;
  const issue = { ...toIssue(options), updated_at: at };
  return { ...toHome(options), action, issue, label: { id: 77, name: label } };
}
