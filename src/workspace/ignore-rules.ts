import type { BigIntStats } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { openUp, readTreeFile } from "./read-tree-file.ts";
import { joinTreePath, toBytes, toFilePath, toFolder, toTreePath } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/** Longest .gitignore that is honoured, and all of them together, in bytes. */
const FILE_BYTES = 1024 * 1024;
const TOTAL_BYTES = 8 * FILE_BYTES;
/** How long git may ponder all questions of one run together, in milliseconds: patterns can be made to take for ever. */
const PONDER_MS = 60_000;

/** Knows what the tree's own .gitignore files say about new paths. */
export type IgnoreRules = {
  /** Notes a .gitignore that lies in the tree. */
  note(path: TreePath, found: BigIntStats): void;
  /** Which of these new paths git would ignore. A folder's path ends with a slash. Rejects with `patch-too-large` when git ponders too long. */
  ask(paths: TreePath[]): Promise<ReadonlySet<TreePath>>;
};

export type OpenIgnoreRulesOptions = {
  treePath: string;
  mirrorPath: string;
  /** A host-only folder that is made anew. */
  scratchPath: string;
  signal: AbortSignal | undefined;
  /** How long git may ponder all questions together, in milliseconds. Default 60 s. */
  ponderMs?: number;
};

/**
 * Asks the real git, but never in the agent's tree: in an empty folder of the host's own that gets copies of the
 * .gitignore files above the paths in question. Links and overlong files count as absent.
 */
export async function openIgnoreRules(options: OpenIgnoreRulesOptions): Promise<IgnoreRules> {
  const { treePath, mirrorPath, scratchPath, signal, ponderMs = PONDER_MS } = options;
  const noted = new Map<TreePath, BigIntStats>();
  const copied = new Set<TreePath>();
  let bytesLeft = TOTAL_BYTES;
  let ponderedMs = 0;
  await rm(scratchPath, { recursive: true, force: true });
  await mkdir(scratchPath, { recursive: true });

  async function copyRules(folder: TreePath): Promise<void> {
    if (copied.has(folder)) return;
    copied.add(folder);
    if (folder !== "") await copyRules(toFolder(folder));
    const path = joinTreePath(folder, ".gitignore");
    const found = noted.get(path);
    if (found === undefined || bytesLeft < found.size) return;
    bytesLeft -= Number(found.size);
    await mkdir(toFilePath(scratchPath, folder), { recursive: true });
    await writeFile(toFilePath(scratchPath, path), readTreeFile(openUp({ path: toFilePath(treePath, path), found })));
  }

  return {
    note(path, found): void {
      if (found.isFile() && found.size <= FILE_BYTES) noted.set(path, found);
    },
    async ask(paths): Promise<ReadonlySet<TreePath>> {
      for (const path of paths) await copyRules(toFolder(path.replace(/\/$/, "")));
      if (paths.length === 0 || bytesLeft === TOTAL_BYTES) return new Set();
      const startMs = performance.now();
      const timeoutMs = Math.max(0, ponderMs - ponderedMs);
      const answer = await askGit(paths, { scratchPath, mirrorPath, signal, timeoutMs });
      ponderedMs += performance.now() - startMs;
      const ignored = toTreePath(answer).split("\0").slice(0, -1);
      return new Set(ignored.map((path) => path.slice("./".length)));
    },
  };
}

type AskGitOptions = Omit<OpenIgnoreRulesOptions, "treePath" | "ponderMs"> & { timeoutMs: number };

async function askGit(paths: TreePath[], options: AskGitOptions): Promise<Buffer> {
  const { scratchPath, mirrorPath, signal, timeoutMs } = options;
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
  try {
    const { stdout } = await runGit(["check-ignore", "--no-index", "-z", "--stdin"], {
      gitDir: mirrorPath,
      workTree: scratchPath,
      indexFile: join(dirname(scratchPath), "no-index"),
      // A name that begins with a colon would be an instruction.
      stdin: toBytes(paths.map((path) => `./${path}\0`).join("")),
      // 1 = none of them is ignored.
      exitCodes: [1],
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return stdout;
  } catch (error) {
    if (timeout.aborted && !signal?.aborted) {
      throw new RunError("patch-too-large", "The .gitignore files that the agent left take too long to apply.");
    }
    throw error;
  }
}
