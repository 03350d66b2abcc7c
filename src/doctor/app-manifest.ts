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

/** What of the permissions above is not among these, a clause for each. */
export function findLackingPermissions(granted: Readonly<Record<string, string>>): string[] {
  return Object.entries(appPermissions)
    .filter(([name, level]) => granted[name] !== level && granted[name] !== "write")
    .map(([name, level]) => `the permission ${name}: ${level}`);
}

/** What of the events above is not among these, a clause for each. */
export function findLackingEvents(heard: readonly string[]): string[] {
  return appEvents.filter((event) => !heard.includes(event)).map((event) => `the event ${event}`);
}
