import type { EngineInfo } from "../container/engine.ts";
import { isOlder, parseVersion } from "./compare-versions.ts";

/** `fixedIn`: the first version with the fix in each line of versions that got it, oldest first. */
type Hole = { program: string; fixedIn: string[]; is: string };

const HOLES: Hole[] = [
  {
    program: "docker",
    fixedIn: ["23.0.11", "25.0.5", "26.0.0"],
    is: "leaks of inner networks (CVE-2024-29018; runs have no network)",
  },
  { program: "containerd", fixedIn: ["1.4.13", "1.5.10", "1.6.1"], is: "reading of the host's files (CVE-2022-23648)" },
  { program: "runc", fixedIn: ["1.1.12", "1.2.0"], is: "a way out of containers (CVE-2024-21626)" },
  {
    program: "runc",
    fixedIn: ["1.2.8", "1.3.3", "1.4.0"],
    is: "ways out of containers (CVE-2025-31133, CVE-2025-52881)",
  },
];

/**
 * What is known of the versions of an engine's programs, a clause for each program; none for those that are new enough.
 * A distribution may have mended an old version, which its number does not tell.
 */
export function listKnownHoles({ version, componentVersions }: EngineInfo): string[] {
  const versions: Record<string, string | undefined> = { ...componentVersions, docker: version };
  const programs = [...new Set(HOLES.map(({ program }) => program))];
  return programs.flatMap((program) => {
    const has = versions[program];
    if (has === undefined) return [];
    const holes = HOLES.filter((hole) => hole.program === program && isBefore(has, hole.fixedIn));
    const last = holes.at(-1);
    if (last === undefined) return [];
    const what = holes.map(({ is }) => is).join(" and ");
    return [`${program} ${has} is older than ${last.fixedIn.join(", ")}, which mend ${what}`];
  });
}

/** A line of versions that got no fix is as old as what came before it. */
function isBefore(text: string, fixedIn: readonly string[]): boolean {
  const version = parseVersion(text);
  const fixes = fixedIn.map(parseVersion);
  const own = fixes.find((fix) => fix[0] === version[0] && fix[1] === version[1]);
  return isOlder(version, own ?? fixes.at(-1) ?? []);
}
