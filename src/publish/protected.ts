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

const isProtected = picomatch(DEFAULT_PROTECTED, { dot: true, nocase: true });

/** The changed paths that a run may publish only when somebody allowed it. */
export function findProtected(paths: readonly string[]): string[] {
  return paths.filter((path) => isProtected(path));
}
