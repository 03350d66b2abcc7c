import type { Scope as TokenScope } from "../../access/token-entry.ts";
import { toRepositoryName, type Repository } from "../../run/request.ts";
import { createNameFilter } from "./name-filter.ts";

/** What a caller may do: start runs, look at them, cancel them. */
export type Scope = TokenScope;

/** Somebody who calls over MCP, and how far his rights go. */
export type Principal = {
  /** For the log and the run's record; unique among those this server knows. */
  name: string;
  scopes: readonly Scope[];
  mayUse(repository: Repository): boolean;
  /** The same for the name that a run's record has: `owner/name`, a URL or an absolute path. */
  mayUseName(repo: string): boolean;
};

const ALL_SCOPES: readonly Scope[] = ["run", "read", "cancel"];

/** The caller over stdio: the person at this machine, who may do everything. */
export function createLocalPrincipal(name: string): Principal {
  return { name, scopes: ALL_SCOPES, mayUse: () => true, mayUseName: () => true };
}

export type CreatePrincipalOptions = {
  scopes: readonly Scope[];
  /** Globs over repositories; null = all. */
  repositories: readonly string[] | null;
  /** What `./folder` among the globs starts from. */
  workspacePath: string;
};

/** A caller with just these rights. */
export function createPrincipal(
  name: string,
  { scopes, repositories, workspacePath }: CreatePrincipalOptions,
): Principal {
  if (repositories === null) return { ...createLocalPrincipal(name), scopes };
  const mayUseName = createNameFilter(repositories, { workspacePath });
  return { name, scopes, mayUse: (repository) => mayUseName(toRepositoryName(repository)), mayUseName };
}
