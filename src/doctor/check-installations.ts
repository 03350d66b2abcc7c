import { z } from "zod";
import type { AppCredentials } from "../config/app-credentials.ts";
import type { Config } from "../config.ts";
import { findLackingEvents, findLackingPermissions } from "./app-manifest.ts";
import { askAsApp, askGitHub } from "./ask-app.ts";
import { fail, pass, type Finding } from "./check.ts";

const Installation = z.object({
  id: z.number(),
  account: z.object({ login: z.string() }).nullish(),
  html_url: z.string().nullish(),
  permissions: z.record(z.string(), z.string()).default({}),
  events: z.array(z.string()).default([]),
  suspended_at: z.string().nullish(),
});
type Installation = z.infer<typeof Installation>;
const Minted = z.object({ token: z.string() });
const RateLimit = z.object({
  resources: z.object({ core: z.object({ limit: z.number(), remaining: z.number(), reset: z.number() }) }),
});

type GitHubConfig = Config["github"];
type SignalOption = { signal: AbortSignal };

/** Whether the App can work where it is installed: every installation has granted what it asks for, and a token can be minted. */
export async function checkInstallations(github: GitHubConfig, { signal }: SignalOption): Promise<Finding> {
  const { app, apiUrl } = github;
  if (app === null) return pass("not needed without a GitHub App");
  const answer = await askAsApp(apiUrl, { app, path: "/app/installations?per_page=100", signal });
  const listed =
    answer.kind === "answer" && answer.status === 200 ? z.array(Installation).safeParse(answer.body) : null;
  if (listed === null || !listed.success) {
    const why = answer.kind === "unreachable" ? answer.why : `HTTP ${answer.status}`;
    return fail(`GitHub does not list the App's installations: ${why}`, { mend: "Try again later; check GHE_HOST." });
  }
  const active = listed.data.filter(({ suspended_at: suspendedAt }) => suspendedAt == null);
  const [first] = active;
  if (first === undefined) {
    return listed.data.length === 0
      ? pass("the App is installed nowhere yet: install it on a repository before the first command")
      : fail("every installation of the App is suspended", { mend: "Unsuspend it on GitHub: Settings, Applications." });
  }
  return judgeGrants(active) ?? (await mintToken(github, { app, installation: first, count: active.length, signal }));
}

/** New permissions of an App count on an installation only when its owner has accepted them. */
function judgeGrants(installations: readonly Installation[]): Finding | null {
  for (const installation of installations) {
    const lacking = [...findLackingPermissions(installation.permissions), ...findLackingEvents(installation.events)];
    if (lacking.length === 0) continue;
    const where = installation.html_url ?? "the installation's page on GitHub";
    return fail(`the installation on ${toName(installation)} has not granted ${lacking.join(", ")}`, {
      mend: `An owner of ${toName(installation)} accepts the App's new permissions at ${where}.`,
    });
  }
  return null;
}

type MintOptions = SignalOption & { app: AppCredentials; installation: Installation; count: number };

async function mintToken({ apiUrl }: GitHubConfig, options: MintOptions): Promise<Finding> {
  const { app, installation, count, signal } = options;
  const path = `/app/installations/${installation.id}/access_tokens`;
  const answer = await askAsApp(apiUrl, { app, path, method: "POST", signal });
  const minted = answer.kind === "answer" && answer.status === 201 ? Minted.safeParse(answer.body) : null;
  if (minted === null || !minted.success) {
    const why = answer.kind === "unreachable" ? answer.why : `HTTP ${answer.status}`;
    return fail(`no token could be minted for the installation on ${toName(installation)}: ${why}`, {
      mend: "Look at the installation's page on GitHub; a new private key (PRIVATE_KEY_PATH) helps when the old one was withdrawn.",
    });
  }
  const authorization = `token ${minted.data.token}`;
  const limit = await askGitHub(apiUrl, { path: "/rate_limit", authorization, signal });
  const gone = await askGitHub(apiUrl, { path: "/installation/token", method: "DELETE", authorization, signal });
  const isGone = gone.kind === "answer" && gone.status === 204;
  return judgeLimit(limit.kind === "answer" ? limit.body : null, {
    detail:
      `a token was minted for ${toName(installation)}${isGone ? ", and withdrawn again" : ""}; ` +
      `${count === 1 ? "the only installation has" : `all ${count} installations have`} granted what the App asks for`,
  });
}

function judgeLimit(body: unknown, { detail }: { detail: string }): Finding {
  const parsed = RateLimit.safeParse(body);
  if (!parsed.success) return pass(detail);
  const { limit, remaining, reset } = parsed.data.resources.core;
  if (remaining > 0) return pass(detail, `${remaining} of ${limit} requests are left this hour`);
  return fail(`all ${limit} requests that GitHub allows an hour are used up`, {
    mend: `Wait until ${new Date(reset * 1000).toISOString()}, and look for another program that uses this App's key.`,
  });
}

function toName({ id, account }: Installation): string {
  return account?.login ?? `installation ${id}`;
}
