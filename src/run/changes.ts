/** One path that differs between the commit the clone started from and the tree the agent left. */
export type Change = {
  /** Path in the repository, as bytes: git allows names that are not UTF-8. */
  path: Buffer;
  kind: "added" | "modified" | "deleted";
  /** Git's file mode after the change; null for a deletion. 100644, 100755, or 120000 for a symbolic link. */
  mode: "100644" | "100755" | "120000" | null;
};

/** A path the agent left that is not taken over, and why, in a few words for people. */
export type LeftOut = { path: string; why: string };

/** A path as text for people and documents: invalid UTF-8 becomes U+FFFD. */
export function toPathText(path: Buffer): string {
  return path.toString("utf8");
}
