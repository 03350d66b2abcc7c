import { createGit, type GitCredential } from "../git/git.ts";
import { toFetchFailure } from "../git/fetch-failure.ts";
import { RunError } from "../run/failure.ts";

/**
 * Why a push, or a question about a branch, came to nothing. `conflict`: the name is taken, or in the way of another one.
 * `moved`: the repository has another address now. `passing`: the same may work a moment later, and whether the commit
 * arrived is not known. `refused`: it will be refused again.
 */
export type PushFailureKind = "conflict" | "moved" | "passing" | "refused";

export type PushErrorOptions = { kind: PushFailureKind; hint?: string | undefined; cause?: unknown };

/** A push that failed, in the terms of a run: `push-rejected`. */
export class PushError extends RunError {
  readonly kind: PushFailureKind;

  constructor(message: string, { kind, hint, cause }: PushErrorOptions) {
    super("push-rejected", message, { hint, cause });
    this.kind = kind;
  }
}

export type PushOptions = {
  mirrorPath: string;
  url: string;
  credential: GitCredential | null;
  commit: string;
  branch: string;
};

/** `new`: the branch must not be there yet, not even at a commit that this one stands on; `standing`: it may be. */
export type BranchPlace = "new" | "standing";

export type PushBranchOptions = PushOptions & {
  /** Default `standing`. */
  place?: BranchPlace;
  /** A commit of ours that gives way to this one: only when the branch is at exactly that commit. */
  replaces?: string;
};

/**
 * Pushes one commit to one branch, never by force but over a commit that is named. A branch that is there already with the
 * same commit counts as pushed. Rejects with a `PushError`, naming what the other side said.
 */
export async function pushBranch(options: PushBranchOptions): Promise<void> {
  const {
    mirrorPath,
    url,
    credential,
    commit,
    branch,
    place = "standing",
    replaces = place === "new" ? "" : null,
  } = options;
  const git = createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)] });
  // Nothing behind the colon: there must be no such branch.
  const lease = replaces === null ? [] : [`--force-with-lease=refs/heads/${branch}:${replaces}`];
  const target = `${commit}:refs/heads/${branch}`;
  try {
    await git.raw(["push", "--no-verify", "--porcelain", "--atomic", ...lease, "--", url, target]);
  } catch (error) {
    throw toPushError(error);
  }
}

/** Reads a branch back from a remote: the commit it is at, or null. Rejects with a `PushError`. */
export async function readRemoteBranch({
  mirrorPath,
  url,
  credential,
  branch,
}: Omit<PushOptions, "commit">): Promise<string | null> {
  const git = createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)] });
  try {
    const listed = await git.raw(["ls-remote", "--", url, `refs/heads/${branch}`]);
    return /^([0-9a-f]{40})\t/.exec(listed)?.[1] ?? null;
  } catch (error) {
    throw toPushError(error);
  }
}

type Refusal = {
  pattern: RegExp;
  message: string;
  hint: string;
  kind?: PushFailureKind;
  /** Where the words name the file that is meant. */
  place?: RegExp;
};

/** What the sides of a push are known to say, and what to do about it (docs.github.com, "Troubleshooting pushes"; git-push(1)). */
const refusals: readonly Refusal[] = [
  {
    pattern: /GH013.*(?:secret|push protection)|push protection|GH009/is,
    message: "GitHub's push protection found a secret in the change (GH013)",
    place: /^(?:remote:)?\s*path: (\S[^\n]*)$/m,
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
    place: /File (\S[^\n]*?) is [\d.]+ [KMG]?B; this exceeds/,
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
    kind: "conflict",
    pattern: /non-fast-forward|fetch first|\[rejected\]|reference already exists|incorrect old value/i,
    message: "The branch exists already with other commits",
    hint: "Name another branch with --branch, then publish again; the changes are kept as a patch.",
  },
  {
    kind: "conflict",
    pattern: /cannot lock ref|directory[/ ]file conflict|exists; cannot create/i,
    message: "A branch with a conflicting name exists",
    hint: "Name another branch with --branch, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /branch is currently checked out|refusing to update checked out branch/i,
    message: "The branch is checked out in that repository",
    hint: "Check out another branch there, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /archived/i,
    message: "The repository is archived",
    hint: "Unarchive it, then publish again; the changes are kept as a patch.",
  },
  {
    kind: "moved",
    pattern: /returned error: 30[1278]\b|unable to update url base from redirection/i,
    message: "The repository was renamed or moved",
    hint: "Use its new address, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /returned error: 404|repository (?:'[^']*' )?not found|does not appear to be a git repository/i,
    message: "The repository is not there, or the App or token may not see it any more",
    hint: "Check the repository's name, and that the App is installed on it, then publish again; the changes are kept as a patch.",
  },
  {
    pattern: /\b40[13]\b|permission.*denied|authentication failed|write access/is,
    message: "The App or token may not push to this repository",
    hint: "Give it write access to contents, then publish again; the changes are kept as a patch.",
  },
];

/** What a cut connection or a server in trouble is known to say beyond what a fetch meets. */
const cut =
  /empty reply from server|couldn't connect|failed to connect|recv failure|send failure|timed out|transfer closed|unexpected disconnect|internal server error|service unavailable|bad gateway|fatal error in commit_refs|try again later/i;

function toPushError(error: unknown): PushError {
  const text = error instanceof Error ? error.message : String(error);
  const known = refusals.find(({ pattern }) => pattern.test(text));
  if (known !== undefined) {
    const place = known.place?.exec(text)?.[1];
    const where = place === undefined ? "" : `: ${place.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ").slice(0, 200)}`;
    const { kind = "refused", hint } = known;
    return new PushError(`The push was rejected: ${known.message}${where}.`, { kind, hint, cause: error });
  }
  const line = (/(?:remote: |fatal: |error: )(.*\S)/.exec(text)?.[1] ?? "the remote gave no reason").slice(0, 200);
  const isPassing = toFetchFailure(error).kind === "passing" || cut.test(text);
  return isPassing
    ? new PushError(`The push did not get through: ${line}.`, { kind: "passing", cause: error })
    : new PushError(`The push was rejected: ${line}.`, { kind: "refused", cause: error });
}

function toProtocol(url: string): "https" | "http" | "file" {
  const protocol = new URL(url).protocol;
  if (protocol === "file:") return "file";
  return protocol === "http:" ? "http" : "https";
}
