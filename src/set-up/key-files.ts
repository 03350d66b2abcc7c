import type { BaseTree } from "../workspace/base-tree.ts";
import { toText, type TreePath } from "../workspace/tree-path.ts";

/** Files that decide what a set-up fetches or builds, wherever they lie. */
const KEY_NAMES = [
  /^(package(-lock)?\.json|npm-shrinkwrap\.json|pnpm-(lock|workspace)\.yaml|yarn\.lock|bun\.lockb?|\.npmrc|\.yarnrc(\.yml)?|\.nvmrc)$/,
  /^(.*requirements.*\.(txt|in)|constraints.*\.txt|poetry\.lock|uv\.lock|pdm\.lock|pyproject\.toml|setup\.(py|cfg)|Pipfile(\.lock)?)$/,
  /^(go\.(mod|sum|work)|go\.work\.sum)$/,
  /^(pom\.xml|maven-wrapper\.properties|.*\.gradle(\.kts)?|gradle\.lockfile|gradle(-wrapper)?\.properties|libs\.versions\.toml)$/,
  /^(Cargo\.(toml|lock)|rust-toolchain(\.toml)?|Gemfile(\.lock)?|.*\.gemspec|composer\.(json|lock)|mix\.(exs|lock))$/,
  /^(.*\.(cs|fs)proj|packages\.lock\.json|Directory\.Packages\.props|\.tool-versions|\.[a-z]+-version|GNUmakefile|[Mm]akefile)$/,
];

/**
 * The files of a commit that a set-up of these commands depends on: lockfiles and the like by their names, and every file that
 * one of the commands names, by its whole path or by the end of it.
 */
export function findKeyFiles(commands: readonly string[], { entries }: Pick<BaseTree, "entries">): TreePath[] {
  const named = new Set(commands.flatMap(toNamedPaths));
  return [...entries.keys()].filter((path) => isKeyFile(path, { named })).toSorted();
}

function isKeyFile(path: TreePath, { named }: { named: ReadonlySet<string> }): boolean {
  const text = toText(path);
  const name = text.slice(text.lastIndexOf("/") + 1);
  if (KEY_NAMES.some((pattern) => pattern.test(name))) return true;
  for (let end = text; ; end = end.slice(end.indexOf("/") + 1)) {
    if (named.has(end)) return true;
    if (!end.includes("/")) return false;
  }
}

/** What could be the name of a file: the words of a command, without what a shell puts around them. */
function toNamedPaths(command: string): string[] {
  return command
    .split(/[\s;|&<>()"'`={}$,:]+/)
    .map((word) => word.replace(/^(?:\.{0,2}\/)+/, ""))
    .filter((word) => word !== "");
}
