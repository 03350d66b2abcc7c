import type { GitCredential } from "./git-environment.ts";

const TEXT_LIMIT = 400;

export type GitErrorOptions = { exitCode: number; stderr: string; credential: GitCredential | null };

/** Git ended with an exit code that was not expected. `text` is what it said, short and without credentials. */
export class GitError extends Error {
  override readonly name = "GitError";
  readonly exitCode: number;
  readonly text: string;

  constructor(command: string, { exitCode, stderr, credential }: GitErrorOptions) {
    const text = toGitText(stderr, { credential });
    super(`git ${command} failed with exit code ${exitCode}: ${text}`);
    this.exitCode = exitCode;
    this.text = text;
  }
}

/**
 * What git said, for people: the lines that name the problem (all when none does), on one line, at most 400 characters,
 * without control characters, credentials in URLs, and the credential given.
 */
export function toGitText(stderr: string, { credential }: { credential: GitCredential | null }): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.trim());
  const telling = lines.filter((line) => /^(?:fatal|error|remote|! )/.test(line));
  const text = (telling.length > 0 ? telling : lines)
    .filter((line) => line !== "" && line !== "remote:")
    .join("; ")
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, " ")
    .replaceAll(/(\w+:\/\/)[^/\s@]*@/g, "$1");
  const words = credential === null ? [] : credential.authorization.split(" ").filter((word) => word.length > 6);
  return words.reduce((masked, word) => masked.replaceAll(word, "***"), text).slice(0, TEXT_LIMIT);
}
