import { runGit } from "../git/git.ts";
import type { Destination } from "./destination.ts";
import { PushError, pushBranch, readRemoteBranch } from "./push.ts";
import { SKIP_MARK } from "./skip-words.ts";

export type ReleaseCommitOptions = {
  /** Holds the commit. */
  mirrorPath: string;
  destination: Destination;
  branch: string;
};

/**
 * What became of a commit whose checks are held. `overtaken`: the branch is at another commit by now, so it stays as it is;
 * `not-held`: it says nothing that would hold them.
 */
export type Release = { kind: "released"; commit: string } | { kind: "overtaken" } | { kind: "not-held" };

/** What became of held checks; `squash`: whether a commit of the pull request still holds words that skip them. */
export type ReleasedChecks = Release & { squash: "safe" | "skips" };

/**
 * Lets checks run on a commit of ours: on its branch the same commit, without the words that hold them, takes its place, and
 * only its place. May be done again at any time, by any process. Rejects with a `PushError`.
 */
export async function releaseCommit(held: string, options: ReleaseCommitOptions): Promise<Release> {
  const { mirrorPath, destination, branch } = options;
  const commit = await removeMark(held, options);
  if (commit === null) return { kind: "not-held" };
  const place = { mirrorPath, url: destination.url, credential: await destination.writeCredential(), branch };
  const tip = await readRemoteBranch(place);
  if (tip === commit) return { kind: "released", commit };
  if (tip !== held) return { kind: "overtaken" };
  try {
    await pushBranch({ ...place, commit, replaces: held });
  } catch (error) {
    if (error instanceof PushError && error.kind === "conflict") return { kind: "overtaken" };
    throw error;
  }
  return { kind: "released", commit };
}

/** The same commit without our mark: tree, parents, people, dates and all other words as they are. Null without the mark. */
async function removeMark(held: string, { mirrorPath }: ReleaseCommitOptions): Promise<string | null> {
  const { stdout } = await runGit(["cat-file", "commit", held], { gitDir: mirrorPath });
  // Bytes that are no text of ours stay what they are.
  const text = stdout.toString("latin1");
  const at = text.indexOf(`\n\n${SKIP_MARK}\n\n`);
  if (at === -1) return null;
  const plain = text.slice(0, at) + text.slice(at + `\n\n${SKIP_MARK}`.length);
  const written = await runGit(["hash-object", "-t", "commit", "-w", "--stdin"], {
    gitDir: mirrorPath,
    stdin: Buffer.from(plain, "latin1"),
  });
  return written.stdout.toString("utf8").trim();
}
