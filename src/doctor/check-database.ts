import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkIntegrity } from "../store/check-integrity.ts";
import { openDatabase, type DatabasePlace } from "../store/database.ts";
import type { StatePaths } from "../store/paths.ts";
import { fail, pass, type Finding } from "./check.ts";

/** Whether the database opens and is whole. Where there is none yet, whether one could be made in that folder. */
export async function checkDatabase(paths: StatePaths, { url }: { url: string | null }): Promise<Finding> {
  if (url !== null) return examine({ kind: "postgres", url }, "the PostgreSQL of DATABASE_URL");
  if (existsSync(paths.database)) return examine({ kind: "sqlite", path: paths.database }, paths.database);
  const path = join(dirname(paths.database), `doctor-${randomUUID()}.db`);
  try {
    const finding = await examine({ kind: "sqlite", path }, path);
    return finding.verdict === "failed" ? finding : pass("there is none yet, and the first start can make one");
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
  }
}

async function examine(place: DatabasePlace, name: string): Promise<Finding> {
  const mend =
    place.kind === "postgres"
      ? "Check DATABASE_URL, and that the server runs and lets this machine in."
      : "Stop the server, move the database away or restore a copy of it, then start again.";
  try {
    await using database = await openDatabase(place);
    const { problems, runs } = await checkIntegrity(database);
    if (problems.length > 0) return fail(`${name} is damaged: ${problems.join(", ")}`, { mend });
    return pass(`${name} is whole`, `${runs} ${runs === 1 ? "run" : "runs"} on record`);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), { mend });
  }
}
