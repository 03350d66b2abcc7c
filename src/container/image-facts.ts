import { posix } from "node:path";

/** What an image brings along that a container of a run is made with, or in spite of. */
export type ImageFacts = {
  /** What the engine calls it, whatever its names come to mean: `sha256:…`. */
  id: string;
  /** Its own variables. */
  variables: Record<string, string>;
  /** Folders that it declares as volumes: absolute, and in no place that is ours. */
  declaredVolumes: string[];
  /** The volume that brings it what a run needs of us; null when that is in the image itself. */
  partsVolume: string | null;
};

/** Where all that a run needs of us stands in its containers; see docker/Dockerfile. */
export const PARTS_PATH = "/opt/codex-runner";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Names of variables that an image may not bring along: secrets, and what would redirect programs. */
const REFUSED =
  /^((OPENAI|CODEX|GITHUB|LD|GIT)_.*|BASH_ENV|ENV|NODE_OPTIONS|PERL5OPT|PYTHONSTARTUP|RUBYOPT)$|(_API_KEY|_TOKEN|_SECRET|_PASSWORD|_PROXY)$/i;

/** Whether a variable of an image must not reach a run. */
export function isRefusedVariable(name: string): boolean {
  return REFUSED.test(name);
}

/** The variables that are taken away from an image. */
export function toTakenAway({ variables }: ImageFacts): Record<string, null> {
  return Object.fromEntries(
    Object.keys(variables)
      .filter(isRefusedVariable)
      .map((name) => [name, null]),
  );
}

/** An image's programs are found where it says; at the end stands our git, for an image that has none. */
export function toSearchPath({ variables }: ImageFacts): string {
  return `${variables["PATH"] || SYSTEM_PATH}:${PARTS_PATH}/git`;
}

/** Places where every container of a run has something of its own anyway. */
const ALWAYS_COVERED = ["/workspace", "/tmp", "/codex", "/home/run"];
/** Places where nobody but us may put anything, nor below them. */
const OURS = ["/workspace", "/codex", "/home/run", "/in", "/run", "/source", PARTS_PATH, "/proc", "/sys", "/dev"];

/**
 * Folders that an image declares as volumes, as far as something must be put there instead: an engine would make volumes that
 * take as much as there is. `ours` are those that would stand in our way.
 */
export function sortDeclaredVolumes(declared: readonly string[]): { free: string[]; ours: string[] } {
  const paths = declared.map((path) => posix.resolve("/", path)).filter((path) => !ALWAYS_COVERED.includes(path));
  const isOurs = (path: string): boolean =>
    path === "/" ||
    OURS.some((place) => path === place || path.startsWith(`${place}/`) || place.startsWith(`${path}/`));
  return { free: paths.filter((path) => !isOurs(path)), ours: paths.filter(isOurs) };
}
