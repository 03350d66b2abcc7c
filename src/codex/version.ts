/** The oldest Codex that is safe here: before it, `exec` trusted a repository's own configuration by itself. */
export const OLDEST_CODEX = { major: 0, minor: 169 } as const;

/** Whether an image's Codex may be used; a sentence says why not. */
export function checkCodexVersion(version: string | null): string | null {
  if (version === null) return "The runner image does not say which Codex it holds.";
  const [, major = "", minor = ""] = /^(\d+)\.(\d+)\.\d+/.exec(version) ?? [];
  if (major === "") return `The runner image names a Codex version that cannot be read: ${version}.`;
  const isOld = Number(major) === OLDEST_CODEX.major && Number(minor) < OLDEST_CODEX.minor;
  return isOld ? `The runner image holds Codex ${version}; 0.169.0 is the oldest that is safe here.` : null;
}
