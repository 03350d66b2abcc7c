import picomatch from "picomatch";

/**
 * Files that decide what runs with more rights than the change itself: automation, ownership, instructions to agents,
 * development containers, editor tasks.
 */
const DEFAULT_PROTECTED = [
  ".github/**",
  "**/CODEOWNERS",
  "**/{AGENTS,AGENTS.override,CLAUDE,GEMINI}.md",
  "**/.{codex,claude,cursor,gemini}/**",
  "**/.cursorrules",
  "**/.devcontainer/**",
  "**/.devcontainer.json",
  "**/.vscode/**",
  "**/.idea/**",
  "**/*.code-workspace",
  ".gitmodules",
];

const options = { dot: true, nocase: true };
const isProtected = picomatch(DEFAULT_PROTECTED, options);

/** The changed paths that a run may publish only when somebody allowed it. `more`: the repository's own globs. */
export function findProtected(paths: readonly string[], { more = [] }: { more?: readonly string[] } = {}): string[] {
  const isOwn = more.length === 0 ? () => false : picomatch([...more], options);
  return paths.filter((path) => isProtected(path) || isOwn(path));
}
