import { RunError } from "../run/failure.ts";
import { GitError, toGitText } from "./git-error.ts";

export type FetchFailure =
  /** The remote has no such branch, or no branch at all. */
  | { kind: "ref-missing" }
  /** Another process writes to the same local repository. */
  | { kind: "locked" }
  /** The other side or the network stumbled; the same may work a moment later. */
  | { kind: "passing"; text: string }
  | { kind: "disk-full" }
  | { kind: "refused"; text: string; hint?: string };

const hints: [RegExp, string][] = [
  [
    /authentication failed|could not read (?:username|password)|repository not found|returned error: 40[134]|does not appear to be a git repository/i,
    "Check the repository's name, and that the App is installed on it or the token may read it.",
  ],
  [/mismatched algorithms|sha256/i, "Repositories with SHA-256 object names are not supported; use one with SHA-1."],
  [/dubious ownership/i, "The local repository belongs to another user; run as that user, or give its URL."],
  [/redirect/i, "The repository was renamed or moved; use its new address."],
  [
    /fsck|object corrupt|hasdotgit/i,
    "The repository holds objects that git refuses; `git fsck` in a clone names them.",
  ],
  [
    /object file .* is empty|loose object|bad object|unable to (?:read|unpack)|missing (?:blob|tree|commit)/i,
    "The local mirror may be damaged: remove its folder under .state/mirrors in RUNS_PATH, then try again.",
  ],
];

const passing =
  /returned error: (?:429|5\d\d)|could not resolve host|empty reply from server|(?:couldn't|failed to) connect|connection (?:reset|refused|timed out)|early EOF|hung up unexpectedly|RPC failed|gnutls|ssl_error_syscall|operation too slow/i;

/** Sorts what a failed `git fetch` or `git ls-remote` said. */
export function toFetchFailure(error: unknown): FetchFailure {
  const said = error instanceof Error ? error.message : String(error);
  const text = error instanceof GitError ? error.text : toGitText(said);
  if (isDiskFull(error)) return { kind: "disk-full" };
  if (/couldn't find remote ref/i.test(said)) return { kind: "ref-missing" };
  if (/\.lock': File exists|shallow file has changed|cannot lock ref/i.test(said)) return { kind: "locked" };
  if (passing.test(said) && !/returned error: 4(?!29)/.test(said)) return { kind: "passing", text };
  const hint = hints.find(([pattern]) => pattern.test(said))?.[1];
  return { kind: "refused", text, ...(hint === undefined ? {} : { hint }) };
}

/** Whether something failed, in git or in a file call, because no more could be written. */
export function isDiskFull(error: unknown): boolean {
  return /no space left on device|disk quota exceeded/i.test(error instanceof Error ? error.message : String(error));
}

export type FetchFailureContext = {
  /** The branch asked for; null = the remote's own default. */
  baseRef: string | null;
  /** Whether the remote has any branch or tag. */
  remoteRefs: "some" | "none";
  cause: unknown;
};

/** Why a run cannot have its base commit, in the terms of a run: `repository-empty`, `base-missing` or `clone-failed`. */
export function toFetchRunError(failure: FetchFailure, { baseRef, remoteRefs, cause }: FetchFailureContext): RunError {
  switch (failure.kind) {
    case "ref-missing":
      if (remoteRefs === "none") return new RunError("repository-empty", "The repository has no commits.", { cause });
      return baseRef === null
        ? new RunError("base-missing", "The repository's default branch does not exist.", { cause })
        : new RunError("base-missing", `The repository has no branch named ${baseRef}.`, { cause });
    case "locked":
      return new RunError("clone-failed", "The repository's local mirror stayed locked by another process.", { cause });
    case "disk-full":
      return new RunError("disk-full", "The disk is full.", { cause });
    case "passing":
    case "refused":
      return new RunError("clone-failed", `The repository could not be fetched: ${failure.text}`, {
        cause,
        hint: failure.kind === "refused" ? failure.hint : undefined,
      });
  }
}
