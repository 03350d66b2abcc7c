/** Where the server takes GitHub's webhooks: Probot's default. */
export const WEBHOOK_PATH = "/api/github/webhooks";
