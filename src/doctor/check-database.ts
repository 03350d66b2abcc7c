import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { openDatabase } from "../store/database.ts";
import type { StatePaths } from "../store/paths.ts";
import { fail, pass, type Finding } from "./check.ts";

const Integrity = z.array(z.object({ integrity_check: z.string() }));
const Count = z.object({ runs: z.number() });

/** Whether the database opens and is whole. Where there is none yet, whether one could be made in that folder. */
export async function checkDatabase(paths: StatePaths): Promise<Finding> {
  if (existsSync(paths.database)) return examine(paths.database);
  const path = join(dirname(paths.database), `doctor-${randomUUID()}.db`);
  try {
    const finding = examine(path);
    return finding.verdict === "failed" ? finding : pass("there is none yet, and the first start can make one");
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
  }
}

function examine(path: string): Finding {
  const mend = "Stop the server, move the database away or restore a copy of it, then start again.";
  try {
    const database = openDatabase(path);
    try {
      const problems = Integrity.parse(database.prepare("PRAGMA integrity_check(3)").all())
        .map((row) => row.integrity_check)
        .filter((text) => text !== "ok");
      if (problems.length > 0) return fail(`${path} is damaged: ${problems.join(", ")}`, { mend });
      const { runs } = Count.parse(database.prepare("SELECT count(*) AS runs FROM runs").get());
      return pass(`${path} is whole`, `${runs} ${runs === 1 ? "run" : "runs"} on record`);
    } finally {
      database.close();
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), { mend });
  }
}
