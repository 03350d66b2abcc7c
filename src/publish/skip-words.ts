/** What makes GitHub Actions begin nothing for a commit (docs.github.com, "Skipping workflow runs"). */
export const SKIP_MARK = "[skip ci]";

const SKIP_WORDS = /\[(skip ci|ci skip|no ci|skip actions|actions skip)\]/gi;

/**
 * Text in which the words that make GitHub Actions skip a commit have lost their meaning. A squash merge copies titles, and
 * by a setting whole texts, into the commit on the default branch.
 */
export function disarmSkipWords(text: string): string {
  return text.replaceAll(SKIP_WORDS, "($1)");
}

/** Whether a text would make GitHub Actions skip a commit. */
export function hasSkipWords(text: string): boolean {
  return disarmSkipWords(text) !== text;
}
