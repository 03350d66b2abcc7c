import { existsSync } from "node:fs";
import type { DatabasePlace } from "../store/database.ts";
import { inspectDatabase, type DatabaseView } from "../store/inspect-database.ts";
import type { StatePaths } from "../store/paths.ts";
import { fail, pass, type Finding } from "./check.ts";

/** Whether the database can be opened and written, is whole, and is of this version or an older one. Changes nothing in it. */
export async function checkDatabase(paths: StatePaths, { url }: { url: string | null }): Promise<Finding> {
  const place: DatabasePlace = url === null ? { kind: "sqlite", path: paths.database } : { kind: "postgres", url };
  if (place.kind === "sqlite" && !existsSync(place.path)) {
    return pass("there is none yet: the first start makes it below RUNS_PATH");
  }
  const mend =
    place.kind === "postgres"
      ? "Check DATABASE_URL, and that the server runs and lets this machine in and write."
      : "Stop the server; then let its user write the file, or move it away or restore a copy of it (docs/operations.md, Backup).";
  try {
    const view = await inspectDatabase(place);
    if (view === null) return pass("there is none yet");
    return judgeDatabase(view, { name: place.kind === "postgres" ? "DATABASE_URL" : place.path, mend });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), { mend });
  }
}

function judgeDatabase(view: DatabaseView, { name, mend }: { name: string; mend: string }): Finding {
  const { version, problems, runs, pending, newer } = view;
  if (newer !== null) {
    return fail(`a newer version of Codex Orchestrator has written the database of ${name} (${newer})`, {
      mend: "Upgrade this `codex-orchestrator` to that version, or restore the backup that was made before the upgrade.",
    });
  }
  if (problems.length > 0) return fail(`${name} is damaged: ${problems.join(", ")}`, { mend });
  return pass(
    `${name} (${version}) is whole and can be written`,
    `${runs} ${runs === 1 ? "run" : "runs"} on record`,
    pending === 0 ? null : `the next start makes ${pending} ${pending === 1 ? "step" : "steps"} of its schema`,
  );
}
