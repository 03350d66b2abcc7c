import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./run-program.mjs";

/** Where Debian and alike keep the programs of each version of PostgreSQL; most are not in PATH. */
const programsRoot = "/usr/lib/postgresql";
const clusterSettings = "/etc/postgresql-common/createcluster.conf";

/** Whether the programs that make and run a PostgreSQL server are installed. */
export function hasPostgres() {
  if (findProgram("initdb") !== null) return true;
  const versions = existsSync(programsRoot) ? readdirSync(programsRoot) : [];
  return versions.some((version) => existsSync(join(programsRoot, version, "bin", "initdb")));
}

/**
 * Has Debian's package install the programs alone: no server of the system is made, so none is started, now or at the next
 * boot. What somebody has set there already stays as it is.
 */
export function keepFromMakingCluster() {
  if (existsSync(clusterSettings)) return;
  mkdirSync("/etc/postgresql-common", { recursive: true });
  writeFileSync(
    clusterSettings,
    "# Written by the set-up of Codex Orchestrator's tests.\ncreate_main_cluster = false\n",
  );
}
