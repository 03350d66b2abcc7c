import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createGit, runGit } from "../git/git.ts";
import type { GitCredential, GitProtocol } from "../git/git.ts";
import { toFetchFailure, toFetchRunError } from "../git/fetch-failure.ts";
import type { FetchFailure } from "../git/fetch-failure.ts";
import { RunError } from "../run/failure.ts";
import { BranchName } from "../run/request.ts";
import { clearLocks } from "./clear-locks.ts";
import { openMirror, toKeptRef } from "./mirror.ts";
import { lockMirror } from "./lock-mirror.ts";

/** How many commits of history the mirror asks for, and the agent can see. */
const DEPTH = 50;
/** Waits before further tries when nobody answers at the address, or another process is in the way, in milliseconds. */
const RETRY_AFTER_MS = [500, 2_000];
/** Waits before further tries when the remote answers with an outage, in milliseconds: some minutes. */
const OUTAGE_WAITS_MS = [500, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000];

/** Nothing but what is asked for. */
const FETCH = ["fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--update-shallow"];

export type FetchBaseOptions = {
  url: string;
  /** The branch; null = the remote's default branch. */
  baseRef: string | null;
  /** The ref in the mirror that is to hold the commit. */
  runRef: string;
  credential: GitCredential | null;
  /** Waits between two tries while the remote has an outage, in milliseconds; default some minutes altogether. */
  outageWaitsMs?: readonly number[];
  signal: AbortSignal;
};

/**
 * Brings the branch's newest commit into the mirror, under the run's ref, and says the branch's name. Tags, other
 * branches and submodules are not fetched. Rejects with `clone-failed`, `repository-empty` or `base-missing`.
 */
export async function fetchBase(mirrorPath: string, options: FetchBaseOptions): Promise<{ ref: string }> {
  const { baseRef, signal } = options;
  if (baseRef !== null) {
    const source = `refs/heads/${checkBranchName(baseRef)}`;
    await fetchRemoteRef(mirrorPath, { ...options, source });
    return { ref: baseRef };
  }
  // Asking for the name and fetching HEAD at once saves a round trip; should HEAD have moved in between, once more.
  const [fetched, head] = await Promise.allSettled([
    fetchRemoteRef(mirrorPath, { ...options, source: "HEAD" }),
    withPatience(() => listRemote(mirrorPath, { ...options, names: ["HEAD"] }), { mirrorPath, ...options }),
  ]);
  if (fetched.status === "rejected") throw fetched.reason;
  if (head.status === "rejected") throw head.reason;

  const ref = checkBranchName(/^ref: refs\/heads\/(.+)\tHEAD$/m.exec(head.value)?.[1] ?? "");
  const sha = /^([0-9a-f]{40})\tHEAD$/m.exec(head.value)?.[1];
  if (sha !== (await readCommit(mirrorPath, { revision: options.runRef, signal }))) {
    return fetchBase(mirrorPath, { ...options, baseRef: ref });
  }
  return { ref };
}

export type FetchCommitOptions = Pick<FetchBaseOptions, "url" | "credential" | "signal"> & { sha: string };

/**
 * Brings one commit into the mirror by its name, for a run whose base the mirror does not have (any more). Resolves with
 * false when the remote does not have it either; rejects with `clone-failed` when it cannot be asked.
 */
export async function fetchCommit(mirrorPath: string, { sha, ...options }: FetchCommitOptions): Promise<boolean> {
  const { url, credential, signal } = options;
  try {
    using lock = await lockMirror(mirrorPath, { signal });
    await openMirror(lock.mirrorPath);
    await clearLocks(lock.mirrorPath, { names: ["shallow.lock"], signal });
    const git = createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)], signal });
    await git.raw([...FETCH, `--depth=${DEPTH}`, "--", url, sha]);
    return true;
  } catch (cause) {
    signal.throwIfAborted();
    if (/not our ref|unadvertised object|no such remote ref|couldn't find remote ref/i.test(String(cause)))
      return false;
    throw toFetchRunError(toFetchFailure(cause), { baseRef: null, remoteRefs: "some", cause });
  }
}

/** The full name of a commit in the mirror. */
export async function readCommit(
  mirrorPath: string,
  { revision, signal }: { revision: string; signal: AbortSignal },
): Promise<string> {
  const args = ["rev-parse", "--verify", "--end-of-options", `${revision}^{commit}`];
  const { stdout } = await runGit(args, { gitDir: mirrorPath, signal });
  return stdout.toString("utf8").trim();
}

/** The same for a ref of the remote by its full name, such as `refs/pull/7/head`. */
export async function fetchRemoteRef(
  mirrorPath: string,
  options: FetchBaseOptions & { source: string },
): Promise<void> {
  await withPatience(() => fetchRef(mirrorPath, options), { mirrorPath, ...options });
}

async function fetchRef(mirrorPath: string, options: FetchBaseOptions & { source: string }): Promise<void> {
  const { url, source, runRef, credential, signal } = options;
  const keptRef = toKeptRef(source);
  using lock = await lockMirror(mirrorPath, { signal });
  // A mirror that was not used for long may have been removed while this one waited.
  await openMirror(lock.mirrorPath);
  await clearLocks(lock.mirrorPath, { names: ["shallow.lock", `${runRef}.lock`, `${keptRef}.lock`], signal });
  // Nothing will be built on the head of a pull request again.
  const isKept = !source.startsWith("refs/pull/");
  // A fetch with a depth never takes "nothing new" for an answer; what came before is shallow already.
  const depth = existsSync(join(mirrorPath, keptRef)) ? [] : [`--depth=${DEPTH}`];
  // Not --quiet: simple-git waits 50 ms for the words of a child that says nothing.
  await createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)], signal }).raw([
    ...FETCH,
    ...depth,
    "--",
    url,
    `+${source}:${runRef}`,
    ...(isKept ? [`+${source}:${keptRef}`] : []),
  ]);
}

/** What the remote has by these names; all branches and tags when there are none. */
async function listRemote(mirrorPath: string, options: FetchBaseOptions & { names: string[] }): Promise<string> {
  const { url, credential, signal, names } = options;
  const git = createGit({ gitDir: mirrorPath, credential, protocols: [toProtocol(url)], signal });
  return git.raw(["ls-remote", "--symref", "--", url, ...names]);
}

type PatienceOptions = FetchBaseOptions & { mirrorPath: string };

/** Tries again when another process was in the way or the network stumbled; says in a run's terms why it gives up. */
async function withPatience<T>(action: () => Promise<T>, options: PatienceOptions): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await action();
    } catch (cause) {
      options.signal.throwIfAborted();
      const failure = toFetchFailure(cause);
      const waitMs = toWaits(failure, options)[tries];
      if (waitMs === undefined) throw await explain(failure, { ...options, cause });
      // Not all runs that meet an outage come back at the same moment.
      const jitterMs = Math.random() * waitMs * 0.5;
      await sleep(waitMs + jitterMs, undefined, { signal: options.signal }).catch(() =>
        options.signal.throwIfAborted(),
      );
    }
  }
}

function toWaits(failure: FetchFailure, { outageWaitsMs = OUTAGE_WAITS_MS }: PatienceOptions): readonly number[] {
  if (failure.kind === "locked") return RETRY_AFTER_MS;
  if (failure.kind !== "passing") return [];
  // An address that is wrong is told soon; somebody may be waiting for it.
  return /resolve host|connection refused/i.test(failure.text) ? RETRY_AFTER_MS : outageWaitsMs;
}

/** A missing branch and an empty repository look alike to `git fetch`; only the list of refs tells them apart. */
async function explain(failure: FetchFailure, options: PatienceOptions & { cause: unknown }): Promise<RunError> {
  const { mirrorPath, baseRef, cause } = options;
  const refs = failure.kind === "ref-missing" ? await listRemote(mirrorPath, { ...options, names: [] }) : "?";
  return toFetchRunError(failure, { baseRef, remoteRefs: refs.trim() === "" ? "none" : "some", cause });
}

function checkBranchName(name: string): string {
  if (BranchName.safeParse(name).success) return name;
  const message =
    name === "" ? "The repository does not say which branch is its default." : "The base branch has an unusable name.";
  throw new RunError("base-missing", message);
}

function toProtocol(url: string): GitProtocol {
  if (url.startsWith("https:")) return "https";
  return url.startsWith("http:") ? "http" : "file";
}
