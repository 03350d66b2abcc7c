import { toText } from "./tree-path.ts";
import type { TreePath } from "./tree-path.ts";

/**
 * Why git, or a system that people check the branch out on, would take this name for something else; null when it is a
 * name like any other. `.git` in every spelling is refused: other case, the short names of NTFS (`git~1`), its streams
 * (`.git::$INDEX_ALLOCATION`), dots and spaces at the end, letters that HFS+ does not see (U+200C), and the same after a
 * backslash. This is wider than git's own rule (`verify_path` in read-cache.c), which leaves such a name out in silence.
 */
export function checkName(name: TreePath): string | null {
  // Nearly every name; there can be half a million of them.
  if (/^[\u0020-\u007e]*$/.test(name) && !/git/i.test(name)) return null;

  const parts = toText(name).split("\\").map(toPlain);
  return parts.some((part) => part === ".git" || /^git~\d+$/.test(part)) ? "is git's own name" : null;
}

/** Why a link may not have this name: git reads these files for its own use, and refuses them as links. */
export function checkLinkName(name: TreePath): string | null {
  const plain = toPlain(toText(name).split("\\").at(-1) ?? "");
  return /^(?:\.git(?:modules|attributes|ignore)|\.mailmap|g[a-z0-9]{1,6}~\d+)$/.test(plain)
    ? "is a link in place of a file that git reads"
    : null;
}

function toPlain(name: string): string {
  return name
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, "")
    .toLowerCase()
    .replace(/:.*$/s, "")
    .replace(/[. ]+$/, "");
}
