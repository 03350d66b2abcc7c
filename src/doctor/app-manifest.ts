/** What the App may do, as in `app.yml`; a test holds the two together. */
export const appPermissions = {
  actions: "read",
  checks: "write",
  contents: "write",
  issues: "write",
  metadata: "read",
  pull_requests: "write",
} as const;

/** What the App hears of, as in `app.yml`. */
export const appEvents = [
  "issue_comment",
  "issues",
  "pull_request",
  "pull_request_review",
  "pull_request_review_comment",
] as const;
