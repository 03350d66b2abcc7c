import type { Json } from "./json.ts";
import type { RouteCall } from "./routes.ts";

/** Two commits; what changed is what the head has and the commit that both come from has not. */
export type Range = { base: string; head: string };

export type FileNumbers = { additions: number; deletions: number; path: string };

/** How many lines of each changed file were added and deleted. */
export async function readNumbers(call: RouteCall, { base, head }: Range): Promise<FileNumbers[]> {
  const args = ["diff", "--numstat", "-z", "--no-renames", `${base}...${head}`];
  const text = await call.git.git(call.repository?.name ?? "", args);
  return text
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const [additions, deletions, path = ""] = line.split("\t");
      return { additions: Number(additions) || 0, deletions: Number(deletions) || 0, path };
    });
}

/** The changed files as the API shows them, each with its hunks. */
export async function describeFiles(call: RouteCall, range: Range): Promise<Json[]> {
  const repository = call.repository?.name ?? "";
  const api = `${call.origin}/api/v3/repos/${repository}`;
  const files = (await readNumbers(call, range)).map(async ({ path, additions, deletions }) => {
    const compared = [`${range.base}...${range.head}`, "--", path];
    const raw = await call.git.git(repository, ["diff", "--raw", "--no-abbrev", "--no-renames", ...compared]);
    const patch = await call.git.git(repository, ["diff", "--no-renames", ...compared]);
    const [, , , sha = "", letter = "M"] = raw.split(/\s+/);
    const at = patch.indexOf("\n@@");
    return {
      sha,
      filename: path,
      status: letter === "A" ? "added" : letter === "D" ? "removed" : "modified",
      additions,
      deletions,
      changes: additions + deletions,
      blob_url: `${call.origin}/${repository}/blob/${range.head}/${path}`,
      raw_url: `${call.origin}/${repository}/raw/${range.head}/${path}`,
      contents_url: `${api}/contents/${path}?ref=${range.head}`,
      ...(at < 0 ? {} : { patch: patch.slice(at + 1) }),
    };
  });
  return Promise.all(files);
}
