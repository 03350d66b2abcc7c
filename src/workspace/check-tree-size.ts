import { statfs } from "node:fs/promises";
import { runGit } from "../git/git.ts";
import { RunError } from "../run/failure.ts";
import { toSizeText } from "../text/size.ts";
import { toWorkingReserveBytes } from "./disk-reserve.ts";

/** How much one commit may hold: its files, and the bytes of the list that names them all. */
export type TreeLimits = { files: number; listBytes: number };

/** The largest repositories that are known have some 500,000 files; the list of so many is held in memory later. */
const LIMITS: TreeLimits = { files: 1_000_000, listBytes: 256 * 1024 * 1024 };

/** The end of `<mode> <type> <object> <size>` before a path; the size of a submodule is `-`. */
const SIZE = /^[^\t]* (\d+)\t/;

export type CheckTreeSizeOptions = {
  /** The commit, or a ref that holds it. */
  revision: string;
  /** The folder whose disk is to take the files. */
  treePath: string;
  signal: AbortSignal;
  limits?: TreeLimits;
};

/**
 * Looks at how much a commit's files are before all of them are written: a few objects whose folders hold each other many
 * times can stand for more files than any machine has room for. Rejects with `clone-failed` for too many files, with
 * `disk-full` for more bytes than are free, and with a `GitError`.
 */
export async function checkTreeSize(mirrorPath: string, options: CheckTreeSizeOptions): Promise<void> {
  const { revision, treePath, signal, limits = LIMITS } = options;
  const space = await statfs(treePath);
  const freeBytes = Math.max(0, space.bavail * space.bsize - toWorkingReserveBytes(space));
  const enough = new AbortController();
  await runGit(["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", revision], {
    gitDir: mirrorPath,
    onStdout: sumUp(({ files, listBytes, bytes }) => {
      if (files > limits.files || listBytes > limits.listBytes) enough.abort(toTooMany(limits));
      else if (bytes > freeBytes) enough.abort(toTooLarge(freeBytes));
    }),
    signal: AbortSignal.any([signal, enough.signal]),
  });
}

type Sums = { files: number; listBytes: number; bytes: number };

/** Takes the list in pieces as they come, and tells the sums so far after each. */
function sumUp(tell: (sums: Sums) => void): (piece: Buffer) => void {
  const sums: Sums = { files: 0, listBytes: 0, bytes: 0 };
  let rest = "";
  return (piece) => {
    const lines = (rest + piece.toString("latin1")).split("\0");
    rest = lines.pop() ?? "";
    sums.listBytes += piece.length;
    sums.files += lines.length;
    for (const line of lines) sums.bytes += Number(SIZE.exec(line)?.[1] ?? 0);
    tell(sums);
  };
}

function toTooMany({ files, listBytes }: TreeLimits): RunError {
  return new RunError(
    "clone-failed",
    `The commit holds more than ${files.toLocaleString("en")} files, or ${toSizeText(listBytes)} of their names.`,
    { hint: "A run needs all files of a commit; nothing can be done here for a repository of this size." },
  );
}

function toTooLarge(freeBytes: number): RunError {
  return new RunError(
    "disk-full",
    `The commit's files take more than the ${toSizeText(freeBytes)} that may be used on the disk of RUNS_PATH.`,
    { hint: "Free space there, or set RUNS_PATH to a larger disk, then try again." },
  );
}
