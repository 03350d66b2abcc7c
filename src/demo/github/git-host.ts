import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runGit } from "./run-git.ts";

/** A commit to make directly in a repository, as somebody else would push it. */
export type NewCommit = {
  branch: string;
  message: string;
  /** Content by path; `null` deletes. */
  files: Record<string, string | Buffer | null>;
  author?: { name: string; email: string };
};

/** The real bare repositories behind the stand-in. Names are `owner/name`; missing things are `null`. */
export type GitHost = {
  /** The folder that holds them all, as `git http-backend` wants it. */
  rootPath: string;
  pathOf(repository: string): string;
  /** Makes an empty repository whose HEAD is `main`. */
  create(repository: string): Promise<void>;
  /** Adds one commit to a branch, made from `main` when it is new, and returns its hash. */
  commit(repository: string, commit: NewCommit): Promise<string>;
  /** The full hash of a branch, tag or commit. */
  resolve(repository: string, revision: string): Promise<string | null>;
  /** All references below `prefix` (`refs/heads/`), by full name. */
  listRefs(repository: string, prefix: string): Promise<{ ref: string; sha: string }[]>;
  /** The bytes of a file at a revision. */
  readFile(repository: string, file: { revision: string; path: string }): Promise<Buffer | null>;
  /** Any read-only git call on one repository. */
  git(repository: string, args: string[]): Promise<string>;
};

const EPOCH_SECONDS = 1_767_225_600; // fixed, so that the first commit has the same hash in every demo

/** The host over a folder that exists and is the caller's to remove. */
export function createGitHost({ rootPath }: { rootPath: string }): GitHost {
  const pathOf = (repository: string): string => join(rootPath, `${repository}.git`);
  const git = async (repository: string, args: string[]): Promise<string> =>
    (await runGit(args, { gitDir: pathOf(repository) })).toString();
  const resolve = async (repository: string, revision: string): Promise<string | null> => {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
    return await git(repository, args).then(
      (sha) => sha.trim(),
      () => null,
    );
  };
  return {
    rootPath,
    pathOf,
    git,
    resolve,
    create: (repository) => createBareRepository(pathOf(repository)),
    async commit(repository, commit) {
      const parent =
        (await resolve(repository, `refs/heads/${commit.branch}`)) ?? (await resolve(repository, "refs/heads/main"));
      const seconds = parent === null ? EPOCH_SECONDS : Math.floor(Date.now() / 1000);
      await runGit(["fast-import", "--quiet", "--force"], {
        gitDir: pathOf(repository),
        stdin: toImportStream(commit, { parent, seconds }),
      });
      return (await git(repository, ["rev-parse", `refs/heads/${commit.branch}`])).trim();
    },
    async listRefs(repository, prefix) {
      const text = await git(repository, ["for-each-ref", "--format=%(objectname) %(refname)", prefix]);
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => ({ sha: line.slice(0, 40), ref: line.slice(41) }));
    },
    async readFile(repository, { revision, path }) {
      const args = ["cat-file", "blob", `${revision}:${path}`];
      return await runGit(args, { gitDir: pathOf(repository) }).catch(() => null);
    },
  };
}

/** What `git init --bare` makes, without a child: a demo should not wait for it. */
async function createBareRepository(path: string): Promise<void> {
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"]) {
    await mkdir(join(path, folder), { recursive: true });
  }
  await writeFile(join(path, "HEAD"), "ref: refs/heads/main\n");
  await writeFile(
    join(path, "config"),
    "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[http]\n\treceivepack = true\n[receive]\n\tdenyDeleteCurrent = refuse\n",
  );
}

function toImportStream(commit: NewCommit, { parent, seconds }: { parent: string | null; seconds: number }): Buffer {
  const { name, email } = commit.author ?? { name: "Wendy Write", email: "wendy-write@example.com" };
  const parts: (string | Buffer)[] = [
    `commit refs/heads/${commit.branch}\n`,
    `committer ${name} <${email}> ${seconds} +0000\n`,
    toData(Buffer.from(commit.message)),
    parent === null ? "" : `from ${parent}\n`,
  ].flat();
  for (const [path, content] of Object.entries(commit.files)) {
    const quoted = `"${path.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
    if (content === null) parts.push(`D ${quoted}\n`);
    else parts.push(`M 100644 inline ${quoted}\n`, ...toData(Buffer.from(content)));
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function toData(content: Buffer): (string | Buffer)[] {
  return [`data ${content.length}\n`, content, "\n"];
}
