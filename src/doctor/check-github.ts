import { z } from "zod";
import type { AppCredentials } from "../config/app-credentials.ts";
import type { Config } from "../config.ts";
import { findLackingEvents, findLackingPermissions } from "./app-manifest.ts";
import { toAppToken } from "./app-token.ts";
import { askGitHub } from "./ask-app.ts";
import type { HttpAnswer } from "./ask-http.ts";
import { fail, pass, type Finding } from "./check.ts";
import { MAX_SKEW_S, readDate, toSkewS } from "./clock-skew.ts";

type GitHubConfig = Config["github"];
type SignalOption = { signal: AbortSignal };

const App = z.object({
  id: z.number(),
  slug: z.string().default(""),
  permissions: z.record(z.string(), z.string()).default({}),
  events: z.array(z.string()).default([]),
  installations_count: z.number().optional(),
});
const User = z.object({ login: z.string() });

/** Whether GitHub takes the App's credentials, or the token, and grants what the product needs. */
export async function checkGitHub(github: GitHubConfig, { signal }: SignalOption): Promise<Finding> {
  if (github.app !== null) return checkApp(github, { app: github.app, signal });
  if (github.token !== null) return checkToken(github, { token: github.token, signal });
  return pass("neither a GitHub App nor GITHUB_TOKEN is set: only local and public repositories can be worked on");
}

type CheckAppOptions = SignalOption & { app: AppCredentials };

async function checkApp({ apiUrl }: GitHubConfig, { app, signal }: CheckAppOptions): Promise<Finding> {
  let token;
  try {
    token = toAppToken(app.appId, app);
  } catch {
    return fail("the GitHub App's private key cannot be used to sign", {
      mend: "Make a new private key in the App's settings and set PRIVATE_KEY or PRIVATE_KEY_PATH to it.",
    });
  }
  const answer = await askGitHub(apiUrl, { path: "/app", authorization: `Bearer ${token}`, signal });
  if (answer.kind === "unreachable") return toUnreachable(apiUrl, answer);
  if (answer.status !== 200) return toRefusedApp(answer, { app, apiUrl });
  const parsed = App.safeParse(answer.body);
  if (!parsed.success) return toStrangeAnswer(apiUrl);
  return judgeApp(parsed.data, { app });
}

function judgeApp(found: z.infer<typeof App>, { app }: { app: AppCredentials }): Finding {
  if (found.id !== app.appId) {
    return fail(`the private key belongs to the App ${found.id}, not to ${app.appId}`, {
      mend: "Set APP_ID and the private key of the same GitHub App.",
    });
  }
  const lacking = [...findLackingPermissions(found.permissions), ...findLackingEvents(found.events)];
  if (lacking.length > 0) {
    return fail(`the GitHub App ${found.slug} lacks ${lacking.join(", ")}`, {
      mend: "Grant that in the App's settings (Permissions & events), then accept the change on each installation.",
    });
  }
  const count = found.installations_count;
  return pass(
    `the GitHub App ${found.slug} (${found.id}) has the permissions and events it needs`,
    count === undefined ? null : `${count} ${count === 1 ? "installation" : "installations"}`,
    count === 0 ? "install it on a repository before the first command" : null,
  );
}

type Answer = Extract<HttpAnswer, { kind: "answer" }>;

function toRefusedApp(answer: Answer, { app, apiUrl }: { app: AppCredentials; apiUrl: string }): Finding {
  const skewS = toSkewS(readDate(answer.headers) ?? new Date());
  if (skewS > MAX_SKEW_S) {
    return fail(`GitHub refuses the App's token, and the clocks differ by ${skewS} s`, {
      mend: "Set this machine's clock: GitHub only takes tokens of its own time.",
    });
  }
  if (answer.status === 401 || answer.status === 404) {
    return fail(`GitHub does not accept the credentials of the App ${app.appId} (HTTP ${answer.status})`, {
      mend: "Check APP_ID and the private key: they must be of the same GitHub App, on the GitHub that GHE_HOST names.",
    });
  }
  return toStrangeStatus(answer, { apiUrl });
}

type CheckTokenOptions = SignalOption & { token: string };

async function checkToken({ apiUrl }: GitHubConfig, { token, signal }: CheckTokenOptions): Promise<Finding> {
  const answer = await askGitHub(apiUrl, { path: "/user", authorization: `Bearer ${token}`, signal });
  if (answer.kind === "unreachable") return toUnreachable(apiUrl, answer);
  if (answer.status === 401) {
    return fail("GitHub does not accept GITHUB_TOKEN (HTTP 401)", {
      mend: "Make a new token with access to contents and pull requests (classic: the scope repo), and set GITHUB_TOKEN.",
    });
  }
  // An installation's own token is good for repositories, but there is no person behind it.
  if (answer.status === 403 && answer.headers.get("x-ratelimit-remaining") !== "0") {
    return pass("GitHub accepts GITHUB_TOKEN, which belongs to no person");
  }
  if (answer.status !== 200) return toStrangeStatus(answer, { apiUrl });
  const user = User.safeParse(answer.body);
  if (!user.success) return toStrangeAnswer(apiUrl);
  return pass(
    `GitHub accepts GITHUB_TOKEN as ${user.data.login}`,
    toEndNote(answer.headers),
    toScopeNote(answer.headers),
  );
}

/** `2026-12-31 23:00:00 UTC`, for tokens that end. */
function toEndNote(headers: Headers): string | null {
  const end = headers.get("github-authentication-token-expiration");
  return end === null ? null : `it ends on ${end}`;
}

/** Classic tokens tell their scopes; the fine-grained ones don't. */
function toScopeNote(headers: Headers): string | null {
  const scopes = headers.get("x-oauth-scopes")?.split(/\s*,\s*/) ?? null;
  if (scopes === null || scopes.includes("repo")) return null;
  return scopes.includes("public_repo")
    ? "its scope allows public repositories only"
    : "it lacks the scope repo, so it cannot push";
}

function toUnreachable(apiUrl: string, { why }: { why: string }): Finding {
  return fail(`GitHub at ${apiUrl} could not be reached: ${why}`, {
    mend: "Check GHE_HOST and GHE_PROTOCOL when GitHub is your own, and this machine's way to it.",
  });
}

function toStrangeStatus({ status }: { status: number }, { apiUrl }: { apiUrl: string }): Finding {
  return fail(`GitHub at ${apiUrl} answers with HTTP ${status}`, {
    mend: "Try again later; https://www.githubstatus.com tells of troubles, and GHE_HOST must name a GitHub.",
  });
}

function toStrangeAnswer(apiUrl: string): Finding {
  return fail(`what answers at ${apiUrl} is no GitHub`, { mend: "Check GHE_HOST and GHE_PROTOCOL." });
}
