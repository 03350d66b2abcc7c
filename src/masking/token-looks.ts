/**
 * Tokens of GitHub's and keys of model APIs by their looks: also those that are not ours have no place in what is shown. A
 * key has a digit somewhere, unlike a class of a style sheet. No token is longer than 2000 characters; without a bound, text
 * of millions of such characters would be more than a pattern can take.
 */
const LOOKS = String.raw`(?:gh[pousr]|github_pat)_[A-Za-z0-9_.-]{16,2000}|sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,2000}`;

/** What stands before a token: no letter or digit, unless it belongs to an escape of JSON's or a URL's. */
const BEFORE = String.raw`(?<![A-Za-z0-9_])|(?<=\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2})`;

const TOKEN = new RegExp(`(?:${BEFORE})(?:${LOOKS})`, "g");

/** The text with whatever looks like a token replaced. */
export function maskTokenLooks(text: string, { replacement }: { replacement: string }): string {
  return text.replace(TOKEN, replacement);
}
