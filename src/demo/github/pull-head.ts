import { isJsonObject, type Json } from "./json.ts";
import type { RouteCall } from "./routes.ts";

/** The branch that a pull request proposes, and the repository that holds it. */
export type HeadBranch = { repository: string; ref: string };

/** Reads `branch` or `owner:branch`, as it is written in a new pull request. A fork has the name of its origin. */
export function readHeadBranch(head: string, { repository }: { repository: string }): HeadBranch {
  const [, owner, ref] = /^([^:]+):(.+)$/.exec(head) ?? [];
  if (owner === undefined || ref === undefined) return { repository, ref: head };
  return { repository: `${owner}/${repository.split("/")[1]}`, ref };
}

/** The newest commit of a branch, which is brought into the pull request's own repository from a fork; null without one. */
export async function bringBranch(
  call: RouteCall,
  { repository, ref, as }: HeadBranch & { as: string },
): Promise<string | null> {
  const own = call.repository?.name ?? "";
  if (repository === own) return call.git.resolve(own, `refs/heads/${ref}`);
  if ((await call.git.resolve(repository, `refs/heads/${ref}`)) === null) return null;
  await call.git.git(own, ["fetch", "--quiet", call.git.pathOf(repository), `+refs/heads/${ref}:${as}`]);
  return call.git.resolve(own, as);
}

/** The head commit of a pull request as it is now. One from a fork stands under `refs/pull/<number>/head`, as on GitHub. */
export async function findPullHead(call: RouteCall, pull: Json): Promise<string | null> {
  if (!isJsonObject(pull) || !isJsonObject(pull["head"])) return null;
  const { ref, repo } = pull["head"];
  const own = call.repository?.name ?? "";
  const repository = isJsonObject(repo) ? String(repo["full_name"]) : own;
  return bringBranch(call, { repository, ref: String(ref), as: `refs/pull/${String(pull["number"])}/head` });
}
