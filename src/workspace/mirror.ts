import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import type { RunId } from "../run/id.ts";
import { removeTree } from "./remove-tree.ts";

/**
 * What git does to files on their way in and out: nothing. Without it a .gitattributes of the repository decides (line
 * ends, $Id$, UTF-16, Git LFS, programs for diffs). This file outranks every .gitattributes.
 */
export const RAW_ATTRIBUTES = "* -text -eol -filter -ident -working-tree-encoding !diff !merge\n";

/** Where a repository's mirror lies: one folder a URL, its name readable, safe as a path, and never shared by two URLs. */
export function toMirrorPath(url: string, { mirrorRoot }: { mirrorRoot: string }): string {
  const { protocol, host, pathname } = parseUrl(url);
  const words = protocol === "file:" ? basename(pathname) : `${host}${pathname}`;
  const name = words
    .replace(/\.git$/, "")
    .replaceAll(/[^A-Za-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 80);
  const hash = createHash("sha256").update(`${protocol}//${host}${pathname}`).digest("hex").slice(0, 16);
  return join(mirrorRoot, `${name}-${hash}.git`);
}

/**
 * Makes the mirror when it is not there yet, and notes that it is used now. Two processes may do so at once: the first one's
 * stays.
 */
export async function openMirror(mirrorPath: string): Promise<void> {
  if ((await touch(mirrorPath)) && (await isFolder(join(mirrorPath, "objects")))) return;

  const draftPath = `${mirrorPath}.${randomUUID()}.draft`;
  await mkdir(draftPath, { recursive: true, mode: 0o700 });
  await runGit(["init", "--quiet", "--bare", "--template=", draftPath], {});
  await mkdir(join(draftPath, "info"), { recursive: true });
  await writeFile(join(draftPath, "info", "attributes"), RAW_ATTRIBUTES);
  try {
    await rename(draftPath, mirrorPath);
  } catch (error) {
    await removeTree(draftPath);
    if (!(await isFolder(join(mirrorPath, "objects")))) throw error;
  }
}

/** Where in a mirror the refs of runs lie. */
export const RUN_REFS = "refs/orch";

/** The ref that holds a run's base commit in the mirror. */
export function toRunRef(runId: RunId): string {
  return `${RUN_REFS}/${runId}`;
}

/**
 * The ref that keeps what a branch was last fetched at, so that the next fetch has something to build on: a run's own ref
 * goes with the run. Hashed, since branches `a` and `a/b` may follow each other.
 */
export function toKeptRef(source: string): string {
  return `refs/orch-kept/${createHash("sha256").update(source).digest("hex").slice(0, 16)}`;
}

/** Removes the run's ref. The mirror never packs its refs, so that the ref is one file. */
export async function dropRunRef(mirrorPath: string, { runId }: { runId: RunId }): Promise<void> {
  const path = join(mirrorPath, toRunRef(runId));
  await rm(path, { force: true });
  await rm(`${path}.lock`, { force: true });
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null || !/^(?:https?|file):$/.test(parsed.protocol)) {
    throw new RunError("clone-failed", "The repository's address must begin with https://, http:// or file://.");
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new RunError("clone-failed", "The repository's address holds a user name or password.", {
      hint: "Give the address without them; access comes from the App or from GITHUB_TOKEN.",
    });
  }
  return parsed;
}

/** False when it is not there. */
async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
