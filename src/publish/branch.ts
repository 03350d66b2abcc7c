import { toShortId } from "../run/id.ts";
import { BranchName, type RunRequest } from "../run/request.ts";

const DEFAULT_PATTERN = "codex/{issue}-{slug}-{run}";
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

/** The branch a run pushes to: the one asked for, else as the repository's settings want it. */
export function toBranchName(request: RunRequest): string {
  if (request.branch !== null) return request.branch;
  return fillBranchPattern(request.rules.branch ?? DEFAULT_PATTERN, {
    issue: request.thread === null || request.thread.is_pull_request ? null : String(request.thread.number),
    slug: toSlug(request.prompt),
    run: toShortId(request.run_id),
  });
}

export type BranchParts = { issue: string | null; slug: string; run: string };

/** A branch pattern with its parts in it. Without an issue the sign that joins it to the rest goes with it. */
export function fillBranchPattern(pattern: string, { issue, slug, run }: BranchParts): string {
  const known = issue === null ? removeIssue(pattern) : pattern.replaceAll("{issue}", issue);
  return known.replaceAll("{slug}", slug).replaceAll("{run}", run);
}

function removeIssue(pattern: string): string {
  const places = [/\{issue\}[-_.]/g, /[-_.]\{issue\}/g, /\{issue\}\//g, /\/\{issue\}/g, /\{issue\}/g];
  return places.reduce((left, place) => left.replaceAll(place, ""), pattern);
}

/** Whether every name that a pattern can come to is one of a branch. */
export function isUsableBranchPattern(pattern: string): boolean {
  const longest = { slug: "a".repeat(MAX_SLUG), run: "0".repeat(8) };
  return [null, "1234567890"].every(
    (issue) => BranchName.safeParse(fillBranchPattern(pattern, { ...longest, issue })).success,
  );
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
