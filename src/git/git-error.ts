import type { GitCredential } from "./git-environment.ts";

/** Longest text for people, and longest message of an error, in characters. */
const TEXT_LIMIT = 400;
const MESSAGE_LIMIT = 8_000;

export type GitErrorOptions = { exitCode: number; stderr: string; credential: GitCredential | null };

/** Git ended with an exit code that was not expected. Nothing in it holds a credential. */
export class GitError extends Error {
  override readonly name = "GitError";
  readonly exitCode: number;
  /** The lines that name the problem, on one line of at most 400 characters; the message has all that git said. */
  readonly text: string;

  constructor(command: string, { exitCode, stderr, credential }: GitErrorOptions) {
    const said = maskCredential(stderr, { credential }).slice(-MESSAGE_LIMIT);
    super(`git ${command} ended with exit code ${exitCode}\n${said.trim()}`);
    this.exitCode = exitCode;
    this.text = toGitText(said);
  }
}

/** What git said, for people: the lines that name the problem (all when none does), without control characters. */
export function toGitText(said: string): string {
  const lines = said.split(/[\r\n]+/).map((line) => line.trim());
  const telling = lines.filter((line) => /^(?:fatal|error|remote|!)/.test(line));
  return (telling.length > 0 ? telling : lines)
    .filter((line) => line !== "" && line !== "remote:")
    .join("; ")
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")
    .slice(0, TEXT_LIMIT);
}

/** Takes the given credential, and whatever stands before an @ in an address, out of what git said. */
function maskCredential(said: string, { credential }: { credential: GitCredential | null }): string {
  const words = credential === null ? [] : credential.authorization.split(" ").filter((word) => word.length > 6);
  return words
    .reduce((masked, word) => masked.replaceAll(word, "***"), said)
    .replaceAll(/(\w{1,32}:\/\/)[^/\s@]*@/g, "$1");
}
