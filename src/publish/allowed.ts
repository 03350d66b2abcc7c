import picomatch from "picomatch";
import { toRepositoryName, type Repository } from "../run/request.ts";

/** Decides whether a repository may be worked on. */
export type RepositoryFilter = (repository: Repository) => boolean;

/** ALLOWED_REPOS as a filter: globs over `owner/name` or a URL; without globs everything is allowed. Local paths always are. */
export function createRepositoryFilter(globs: readonly string[] | null): RepositoryFilter {
  if (globs === null) return () => true;
  const matches = picomatch([...globs], { nocase: true, dot: true });
  return (repository) => repository.kind === "local" || matches(toRepositoryName(repository));
}
