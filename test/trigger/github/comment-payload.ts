import { createRequire } from "node:module";
import type { WebhookDefinition } from "@octokit/webhooks-examples";

/** One account as GitHub describes it. */
export const octocat = { id: 583231, login: "octocat", type: "User" };

export const INSTALLATION_ID = 7;
export const COMMENTED_AT = "2026-11-20T10:00:00Z";

export type PayloadOptions = {
  body?: string;
  action?: string;
  commentId?: number;
  user?: { id: number; login: string; type: string } | null;
  sender?: { id: number; login: string; type: string };
  association?: string;
  title?: string;
  issueBody?: string | null;
  isPullRequest?: true;
  createdAt?: string;
};

/** GitHub's own example of a new comment, filled with what a test is about. */
export function createPayload(options: PayloadOptions = {}) {
  const example = findExample();
  const { user = octocat, sender = user ?? octocat, createdAt = COMMENTED_AT } = options;
  return {
    ...example,
    action: options.action ?? "created",
    installation: { id: INSTALLATION_ID, node_id: "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uNw==" },
    repository: { ...example.repository, id: 1296269, name: "hello", full_name: "octo-org/hello", owner: organisation },
    issue: {
      ...example.issue,
      number: 42,
      title: options.title ?? "Add an email validator",
      body: options.issueBody === undefined ? "It should reject a@b." : options.issueBody,
      ...(options.isPullRequest
        ? { pull_request: { url: "https://api.github.com/repos/octo-org/hello/pulls/42" } }
        : {}),
    },
    comment: {
      ...example.comment,
      id: options.commentId ?? 1001,
      html_url: `https://github.com/octo-org/hello/issues/42#issuecomment-${options.commentId ?? 1001}`,
      body: options.body ?? "/codex Add an email validator",
      author_association: options.association ?? "NONE",
      created_at: createdAt,
      user: user === null ? null : { ...example.comment.user, ...user },
    },
    sender: { ...example.sender, ...sender },
  };
}

const organisation = { ...findExample().repository.owner, login: "octo-org", type: "Organization" };

function findExample() {
  // Its types describe a default export that Node does not see in a JSON file.
  const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as WebhookDefinition[];
  const event = examples.find(({ name }) => name === "issue_comment");
  const example = event?.examples.find((candidate) => "action" in candidate && candidate.action === "created");
  if (example === undefined || !("comment" in example) || !("issue" in example)) throw new Error("no example");
  return structuredClone(example);
}
