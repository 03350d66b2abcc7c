/** How much an agent may leave behind. What is over a limit of one path is left out; over a limit of all, the run fails. */
export type IngestLimits = {
  /** Longest file, in bytes. */
  fileBytes: number;
  /** All changed files together, in bytes. */
  totalBytes: number;
  /** Most paths that differ from the base. */
  changedPaths: number;
  /** Most names that the base does not have; folders that git ignores are not looked into. */
  walkedEntries: number;
  /** All paths of these together, in bytes: so much of them is held in memory. */
  walkedBytes: number;
  /** Longest path, in bytes, and deepest folder. */
  pathBytes: number;
  depth: number;
};

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: IngestLimits = {
  fileBytes: 10 * MIB,
  totalBytes: 50 * MIB,
  changedPaths: 10_000,
  walkedEntries: 500_000,
  walkedBytes: 96 * MIB,
  pathBytes: 4_000,
  depth: 100,
};
