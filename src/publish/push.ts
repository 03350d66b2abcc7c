import { createGit, type GitCredential } from "../git/git.ts";
import { RunError } from "../run/failure.ts";

export type PushOptions = {
  mirrorPath: string;
  url: string;
  credential: GitCredential | null;
  commit: string;
  branch: string;
  signal?: AbortSignal;
};

/**
 * Pushes one commit to one branch, never by force. A branch that is there already with the same commit counts as pushed.
 * Rejects with `push-rejected`, naming what the other side said.
 */
export async function pushBranch({ mirrorPath, url, credential, commit, branch, signal }: PushOptions): Promise<void> {
  const git = createGit({
    gitDir: mirrorPath,
    credential,
    protocols: [toProtocol(url)],
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    await git.raw(["push", "--no-verify", "--porcelain", "--atomic", "--", url, `${commit}:refs/heads/${branch}`]);
  } catch (error) {
    throw toPushError(error);
  }
}

/** Reads a branch back from a remote: the commit it is at, or null. */
export async function readRemoteBranch({
  mirrorPath,
  url,
  credential,
  branch,
}: Omit<PushOptions, "commit">): Promise<string | null> {
  const git = createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)] });
  const listed = await git.raw(["ls-remote", "--", url, `refs/heads/${branch}`]);
  return /^([0-9a-f]{40})\t/.exec(listed)?.[1] ?? null;
}

/** What the sides of a push are known to say, and what to do about it (docs.github.com, "Troubleshooting pushes"; git-push(1)). */
const refusals: readonly { pattern: RegExp; message: string; hint: string }[] = [
  {
    pattern: /GH013.*(?:secret|push protection)|push protection|GH009/is,
    message: "GitHub's push protection found a secret in the change (GH013)",
    hint: "Remove the secret with a new run; the changes are kept as a patch.",
  },
  {
    pattern: /GH013|rule violation/i,
    message: "The repository's rules forbid this push (GH013, rule violations)",
    hint: "Change the rule or the change, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /GH006|protected branch/i,
    message: "The branch is protected (GH006)",
    hint: "Name another branch, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /GH001|large files? detected/i,
    message: "The change holds a file that is too large for GitHub (GH001)",
    hint: "Keep the file out with a new run; the changes are kept as a patch.",
  },
  {
    pattern: /GH008|lfs objects? (?:are )?missing|unknown Git LFS objects/i,
    message: "The change names a Git LFS object that does not exist (GH008)",
    hint: "Push the LFS object or change the pointer, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /workflow.*(?:scope|permission)|without `?workflows?`? permission/is,
    message: "The App may not push workflow files",
    hint: "Apply the patch by hand; the App asks for no permission to change workflows.",
  },
  {
    pattern: /non-fast-forward|fetch first|\[rejected\]/i,
    message: "The branch exists already with other commits",
    hint: "Name another branch with --branch, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /cannot lock ref|directory\/file conflict|exists; cannot create/i,
    message: "A branch with a conflicting name exists",
    hint: "Name another branch with --branch, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /archived/i,
    message: "The repository is archived",
    hint: "Unarchive it, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /\b40[13]\b|permission.*denied|authentication failed|write access/is,
    message: "The App or token may not push to this repository",
    hint: "Give it write access to contents, then publish again; the changes are kept as a patch.",
  },
];

function toPushError(error: unknown): RunError {
  const text = error instanceof Error ? error.message : String(error);
  const known = refusals.find(({ pattern }) => pattern.test(text));
  if (known !== undefined)
    return new RunError("push-rejected", `The push was rejected: ${known.message}.`, {
      hint: known.hint,
      cause: error,
    });
  const line = /(?:remote: |fatal: |error: )(.*\S)/.exec(text)?.[1] ?? "the remote gave no reason";
  return new RunError("push-rejected", `The push was rejected: ${line.slice(0, 200)}.`, { cause: error });
}

function toProtocol(url: string): "https" | "http" | "file" {
  const protocol = new URL(url).protocol;
  if (protocol === "file:") return "file";
  return protocol === "http:" ? "http" : "https";
}
