import { realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import picomatch from "picomatch";

/**
 * Decides by globs whether a repository, by the name that a run's record has, may be used. `owner/name` and URLs match
 * without regard to case; folders are named `./folder` from the workspace's own, which is `.`, and match exactly. What
 * lies outside the workspace, also by a symbolic link, never matches.
 */
export function createNameFilter(
  globs: readonly string[],
  { workspacePath }: { workspacePath: string },
): (name: string) => boolean {
  // Globs for folders never allow what is on a server, nor the other way round: picomatch drops a leading `./`.
  const isFolder = (glob: string): boolean => glob.startsWith("./");
  const matchesFolder = picomatch(globs.filter(isFolder), { dot: true, nonegate: true });
  const matchesRemote = picomatch(
    globs.filter((glob) => !isFolder(glob) && glob !== "."),
    { dot: true, nocase: true, nonegate: true },
  );
  return (name) => {
    if (!name.startsWith("/")) return isPlain(name) && matchesRemote(name);
    if (name.split("/").includes("..")) return false;
    const inside = relative(toRealPath(workspacePath), toRealPath(name));
    if (inside === "") return globs.includes(".");
    return !/^\.\.(?:\/|$)/.test(inside) && matchesFolder(inside);
  };
}

/** A query or an encoded slash could lead a server to another repository than the glob's reader thinks. */
function isPlain(name: string): boolean {
  return !/[?#\\]|%2[ef]|%5c/i.test(name);
}

/** Where a path leads, as far as it exists. */
function toRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(toRealPath(parent), basename(path));
  }
}
