import { describeFiles } from "./changed-files.ts";
import { type ApiAnswer, refuse, refuseUnknown } from "./exchange.ts";
import { describeCommit } from "./git-routes.ts";
import type { Route, RouteCall } from "./routes.ts";

/** What is between two commits, as on GitHub seen from the commit that both come from. */
export function createCompareRoutes(): Route[] {
  return [{ method: "GET", path: "/repos/{owner}/{repo}/compare/{basehead*}", handle: compare }];
}

async function compare(call: RouteCall): Promise<ApiAnswer> {
  if (!call.may(["contents"], "read")) return refuse(403, "Resource not accessible by integration");
  const repository = call.repository?.name ?? "";
  const [from = "", to = ""] = (call.params["basehead"] ?? "").split("...");
  const base = await call.git.resolve(repository, from);
  const head = await call.git.resolve(repository, to);
  if (base === null || head === null) return refuseUnknown();
  const [mergeBase, ahead, behind] = await Promise.all([
    call.git.git(repository, ["merge-base", base, head]).then((text) => text.trim()),
    listCommits(call, `${base}..${head}`),
    listCommits(call, `${head}..${base}`),
  ]);
  const web = `${call.origin}/${repository}/compare/${from}...${to}`;
  const perPage = Number(call.request.query.get("per_page") ?? 250);
  return {
    status: 200,
    body: {
      ...{ url: `${call.origin}/api/v3${call.request.path}`, html_url: web, permalink_url: web },
      ...{ diff_url: `${web}.diff`, patch_url: `${web}.patch` },
      base_commit: await describeCommit(call, base),
      merge_base_commit: await describeCommit(call, mergeBase),
      status: toStatus(ahead.length, { behind: behind.length }),
      ...{ ahead_by: ahead.length, behind_by: behind.length, total_commits: ahead.length },
      commits: await Promise.all(ahead.slice(0, perPage).map((sha) => describeCommit(call, sha))),
      files: await describeFiles(call, { base, head }),
    },
  };
}

async function listCommits(call: RouteCall, range: string): Promise<string[]> {
  const text = await call.git.git(call.repository?.name ?? "", ["rev-list", "--reverse", range]);
  return text.split("\n").filter(Boolean);
}

function toStatus(ahead: number, { behind }: { behind: number }): string {
  if (ahead > 0) return behind > 0 ? "diverged" : "ahead";
  return behind > 0 ? "behind" : "identical";
}
