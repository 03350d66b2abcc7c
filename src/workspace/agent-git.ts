import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "../git/git.ts";
import { RAW_ATTRIBUTES } from "./mirror.ts";

/**
 * The agent's own repository: no remote, no hooks, no credentials. File times are compared by whole seconds and size
 * only, so that the index that the host wrote holds although the files got another owner since.
 */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\ttrustctime = false
\tcheckStat = minimal
[user]
\tname = Codex
\temail = codex@localhost
[gc]
\tauto = 0
`;

export type CreateAgentGitOptions = { revision: string; treePath: string; signal: AbortSignal };

/**
 * Makes the throw-away `.git` of the agent, all but its index and HEAD: the commit with as much history as the mirror
 * has of it, in a pack of its own, since the agent may damage what it can write to. The host never reads it again.
 */
export async function createAgentGit(mirrorPath: string, options: CreateAgentGitOptions): Promise<void> {
  const { revision, treePath, signal } = options;
  const gitPath = join(treePath, ".git");
  const shallowPath = join(gitPath, "shallow");
  for (const folder of ["objects/pack", "refs/heads", "info"]) await mkdir(join(gitPath, folder), { recursive: true });
  // One moment's list for both: another run's fetch may change the mirror's list while ours is packed.
  const shallow = await readFile(join(mirrorPath, "shallow")).catch(() => "");
  await writeFile(shallowPath, shallow);
  await Promise.all([
    writeFile(join(gitPath, "config"), CONFIG),
    writeFile(join(gitPath, "info", "attributes"), RAW_ATTRIBUTES),
    // Speed before size: what is packed already is copied as it is, and nothing new is compared.
    runGit(
      [
        "-c",
        "pack.window=0",
        "-c",
        "pack.compression=1",
        "pack-objects",
        "--quiet",
        "--revs",
        "--delta-base-offset",
      ].concat(join(gitPath, "objects", "pack", "pack")),
      { gitDir: mirrorPath, shallowFile: shallowPath, stdin: `${revision}\n`, signal },
    ),
  ]);
}

export type FinishAgentGitOptions = { treePath: string; ref: string; sha: string; indexPath: string };

/** Puts the agent's repository on its branch, with the index of the files that lie in the tree: `git status` is clean. */
export async function finishAgentGit({ treePath, ref, sha, indexPath }: FinishAgentGitOptions): Promise<void> {
  const gitPath = join(treePath, ".git");
  await Promise.all([
    copyFile(indexPath, join(gitPath, "index")),
    writeFile(
      join(gitPath, "packed-refs"),
      `# pack-refs with: peeled fully-peeled sorted \n${sha} refs/heads/${ref}\n`,
    ),
    writeFile(join(gitPath, "HEAD"), `ref: refs/heads/${ref}\n`),
  ]);
}
