/** The modes that git gives to files and links. Of a file's rights it knows only whether the owner may execute it. */
export type GitMode = "100644" | "100755" | "120000";

/** The mode for a file with these rights; every other bit (setuid, group, others) is dropped. */
export function toFileMode(rights: bigint): "100644" | "100755" {
  return (rights & 0o100n) === 0n ? "100644" : "100755";
}

/** The mode that git writes today for one that stands in a tree: very old repositories hold such as 100664. */
export function toGitMode(mode: string): string {
  return mode.startsWith("100") ? toFileMode(BigInt(`0o${mode}`)) : mode;
}
