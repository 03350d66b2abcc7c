import type { Finding, Severity } from "../../../run/review.ts";
import type { Diff } from "./read-diff.ts";
import { toFingerprint, type Fingerprint } from "./fingerprint.ts";
import type { OwnThread } from "./own-threads.ts";

/** A comment on one line or several of the diff; `start_line` is null for one. */
export type Placed = { finding: Finding; fingerprint: Fingerprint; startLine: number | null };

/** Where each finding of a review goes. */
export type Placement = {
  inline: Placed[];
  /** Found, but on no line that the diff shows, or too many for one review. */
  elsewhere: Finding[];
  /** Found again: their own threads stand there already. */
  repeated: OwnThread[];
  /** Threads whose finding was not found any more. */
  gone: OwnThread[];
};

export type PlaceOptions = {
  /** The changed lines; while they are not known no finding has a line. */
  diff: Diff;
  threads: readonly OwnThread[];
};

/** More comments than this are too many for a reader, and soon for GitHub. */
const MAX_INLINE = 40;

const RANK: Record<Severity, number> = { critical: 0, major: 1, minor: 2, nit: 3 };

/** Decides where each finding goes, the gravest first. The same finding stands nowhere twice. */
export function placeFindings(findings: readonly Finding[], { diff, threads }: PlaceOptions): Placement {
  const placement: Placement = { inline: [], elsewhere: [], repeated: [], gone: [] };
  const open = new Set(threads);
  const seen = new Set<string>();
  const marked = findings
    .toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
    .map((finding) => ({ finding, fingerprint: toFingerprint(finding) }))
    .filter(({ fingerprint: { subject, words } }) => {
      const key = `${subject}:${words}`;
      return !seen.has(key) && seen.add(key);
    });
  const fresh = matchThreads(marked, { open, repeated: placement.repeated });
  for (const { finding, fingerprint } of fresh) {
    const startLine = findPlace(finding, diff);
    if (startLine === undefined || placement.inline.length >= MAX_INLINE) placement.elsewhere.push(finding);
    else placement.inline.push({ finding, fingerprint, startLine });
  }
  placement.gone.push(...open);
  return placement;
}

type Marked = { finding: Finding; fingerprint: Fingerprint };

/** Gives each finding its thread: the one with the same words, else one about the same. Resolves with those that have none. */
function matchThreads(
  marked: readonly Marked[],
  { open, repeated }: { open: Set<OwnThread>; repeated: OwnThread[] },
): Marked[] {
  const match = (left: readonly Marked[], isSame: (a: Fingerprint, b: Fingerprint) => boolean): Marked[] =>
    left.filter(({ fingerprint }) => {
      const thread = [...open].find((one) => isSame(one.fingerprint, fingerprint));
      if (thread === undefined) return true;
      open.delete(thread);
      repeated.push(thread);
      return false;
    });
  const others = match(marked, (a, b) => a.subject === b.subject && a.words === b.words);
  return match(others, (a, b) => a.subject === b.subject);
}

/** The first line of the comment, null for a comment on one line; undefined when the diff does not show where it belongs. */
function findPlace({ path, line, start_line: first, side }: Finding, diff: Diff): number | null | undefined {
  const lines = diff?.get(path);
  if (lines === undefined || !lines.has(line, { side })) return undefined;
  return first !== null && first < line && lines.hasRange(first, { last: line, side }) ? first : null;
}
