import { checkName } from "./check-name.ts";
import type { TreePath } from "./tree-path.ts";

/**
 * Why a new or changed link is refused; null when it stays in the tree. Judged by its words alone: nobody looks at what
 * it points to.
 */
export function checkLink(path: TreePath, { target }: { target: TreePath }): string | null {
  if (target.startsWith("/") || /^[A-Za-z]:|^\\/.test(target)) return "is a link to an absolute path";

  const folders = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") {
      if (folders.pop() === undefined) return "is a link that leaves the repository";
    } else if (part !== "" && part !== ".") {
      if (checkName(part) !== null) return "is a link into git's own folder";
      folders.push(part);
    }
  }
  return null;
}
