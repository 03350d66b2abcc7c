import { isDiskFull } from "../git/fetch-failure.ts";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import type { BotIdentity } from "./github-access.ts";
import { disarmSkipWords, SKIP_MARK } from "./skip-words.ts";

export type CommitOptions = {
  mirrorPath: string;
  treeSha: string;
  parentSha: string;
  title: string;
  runId: string;
  author: BotIdentity;
  /** Who asked for the change; named in a trailer. */
  coAuthor: BotIdentity | null;
  /** `held`: GitHub Actions begins nothing for this commit (docs.github.com, "Skipping workflow runs"). */
  checks: "run" | "held";
  /** ISO 8601; with all else fixed too, a replay gives the same commit. */
  date: string;
};

/**
 * Makes the commit in the host's own mirror, and resolves with its SHA. The same input always gives the same SHA. Rejects
 * with `disk-full`, or as git does.
 */
export async function commitTree({
  mirrorPath,
  treeSha,
  parentSha,
  author,
  date,
  ...message
}: CommitOptions): Promise<string> {
  try {
    const { stdout } = await runGit(["commit-tree", treeSha, "-p", parentSha, "-F", "-"], {
      gitDir: mirrorPath,
      identity: { author: { ...author, date }, committer: { ...author, date } },
      stdin: Buffer.from(toCommitMessage(message), "utf8"),
    });
    return stdout.toString("utf8").trim();
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    const hint = "Free disk space, then publish again; the changes are kept as a patch.";
    throw new RunError("disk-full", "The disk is full.", { cause, hint });
  }
}

/** The title and our own trailers. Nothing else of the model's text gets in: a trailer of its own would speak for others. */
export function toCommitMessage({
  title,
  runId,
  coAuthor,
  checks,
}: Pick<CommitOptions, "title" | "runId" | "coAuthor" | "checks">): string {
  const trailers = [`Codex-Run: ${runId}`];
  if (coAuthor !== null) trailers.push(`Co-authored-by: ${coAuthor.name} <${coAuthor.email}>`);
  const paragraphs = [title, ...(checks === "held" ? [SKIP_MARK] : []), trailers.join("\n")];
  return `${paragraphs.join("\n\n")}\n`;
}

/**
 * One line of at most 72 characters from what the agent said, else from what it was asked. Mentions and references lose
 * their sign, so that a commit on the default branch calls nobody and closes nothing.
 */
export function toTitle({ summary, prompt }: { summary: string | null; prompt: string }): string {
  const lines = [...(summary ?? "").split("\n"), ...prompt.split("\n")].map(toPlainLine);
  const line = lines.find((text) => text !== "") ?? "Change made by Codex";
  return line.length <= 72 ? line : `${line.slice(0, 71).replace(/\s+\S*$/, "")}…`;
}

function toPlainLine(line: string): string {
  const plain = line
    .replace(/[\u0000-\u001f\u007f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/g, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<[^>]*>/g, "")
    .replace(/^[\s#>*+-]+/, "")
    .replace(/[*`]/g, "")
    .replace(/(^|\W)[@#](?=\w)/g, "$1")
    .replace(/\.$/, "")
    .trim();
  return disarmSkipWords(plain);
}
