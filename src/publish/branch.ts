import { toShortId } from "../run/id.ts";
import type { RunRequest } from "../run/request.ts";

const MAX_SLUG = 40;

/** The branch a run pushes to: the one asked for, else `codex/<issue>-<slug>-<id>`; the same on every replay. */
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
