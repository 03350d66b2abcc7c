import { existsSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { parseRepository } from "../../orchestrator/parse-repository.ts";
import type { Repository } from "../../run/request.ts";
import type { CallContext } from "./call-context.ts";

/** The repository that a call names, or why there is none. */
export type FoundRepository =
  { kind: "found"; repository: Repository } | { kind: "refused"; why: string; hint: string };

/**
 * Finds the repository that a call names: an https URL, `owner/name`, or a path inside WORKSPACE_PATH, which is meant when
 * nothing is named. One that the caller may not use is refused in the same words as one that does not exist.
 */
export async function findRepository(
  named: string | undefined,
  { parts, principal }: Pick<CallContext, "parts" | "principal">,
): Promise<FoundRepository> {
  const { webUrl, workspacePath } = parts.settings;
  const text = named ?? workspacePath;
  const parsed = parseRepository(text, { webUrl, folder: workspacePath });
  // Whether there is such a folder elsewhere on this machine is nobody's business.
  if (parsed.kind === "unknown" && /^[a-z][a-z0-9+.-]*:/i.test(text)) return refuse(parsed.why);
  if (parsed.kind === "url" && !parsed.url.startsWith("https:"))
    return refuse(`${JSON.stringify(text)} is not an https URL`);
  const repository = parsed.kind === "local" ? await findLocal(parsed.path, { workspacePath }) : toKnown(parsed);
  if (repository === null) return named === undefined ? refuseDefault(workspacePath) : refuseRepository(text);
  const isMeant = parts.isAllowed(repository) && principal.mayUse(repository);
  if (!isMeant || (await parts.lookUp(repository)) === "missing") return refuseRepository(text);
  return { kind: "found", repository };
}

function toKnown(parsed: ReturnType<typeof parseRepository>): Repository | null {
  return parsed.kind === "unknown" ? null : parsed;
}

/** A git repository inside the workspace, whatever links lead there; null when it is none. */
async function findLocal(path: string, { workspacePath }: { workspacePath: string }): Promise<Repository | null> {
  try {
    const [root, real] = await Promise.all([realpath(workspacePath), realpath(resolve(path))]);
    if (real !== root && !real.startsWith(`${root}${sep}`)) return null;
    if (!(await stat(real)).isDirectory()) return null;
    const isRepository = existsSync(join(real, ".git")) || existsSync(join(real, "objects"));
    return isRepository ? { kind: "local", path: real } : null;
  } catch {
    return null;
  }
}

const HINT = "Name a repository as owner/name, as an https URL, or as a path inside the workspace.";

function refuse(why: string): FoundRepository {
  return { kind: "refused", why: `repo: ${why}.`, hint: HINT };
}

/** The answer for a repository that does not exist, or may not be used. */
export function refuseRepository(text: string): Extract<FoundRepository, { kind: "refused" }> {
  return {
    kind: "refused",
    why: `repo: there is no repository ${JSON.stringify(text)} that may be used here.`,
    hint: HINT,
  };
}

function refuseDefault(workspacePath: string): FoundRepository {
  return {
    kind: "refused",
    why: `No repo was named, and the workspace ${workspacePath} is not a git repository.`,
    hint: HINT,
  };
}
