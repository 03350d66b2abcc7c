import { toShortId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";

const MAX_SLUG = 40;

/**
 * The names to push to, in the order they are tried: the next one only when the other side has something else by the name
 * before. A name that a person asked for is the only one. Ours give way to a branch by the very same name, and to one
 * whose name is a folder of it (`codex`). The same on every replay.
 */
export function toBranchNames(request: RunRequest): string[] {
  const name = toBranchName(request);
  return request.branch === null ? [name, `${name}-2`, name.replaceAll("/", "-")] : [name];
}

/** The branch a run pushes to: the one asked for, else `codex/<issue>-<slug>-<id>`. */
export function toBranchName(request: RunRequest): string {
  if (request.branch !== null) return request.branch;
  const issue = request.thread === null || request.thread.is_pull_request ? [] : [String(request.thread.number)];
  return `codex/${[...issue, toSlug(request.prompt), toShortId(request.run_id)].join("-")}`;
}

/** The first words of the prompt as letters, digits and hyphens. */
function toSlug(prompt: string): string {
  const firstLine = prompt.trim().split("\n", 1)[0] ?? "";
  const plain = firstLine
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-");
  const cut = plain.length <= MAX_SLUG + 1 ? plain : plain.slice(0, MAX_SLUG).replace(/-[^-]*$/, "");
  return cut.replace(/^-+|-+$/g, "") || "run";
}
