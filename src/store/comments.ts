import { z } from "zod";
import type { RunId } from "../run/id.ts";
import type { Database } from "./database.ts";
import { ensureLease, readLeases } from "./lease.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/**
 * Who posts the status comment of a run. `mine`: this process may post it now; "first" when nobody tried before, "repeat"
 * when somebody may have posted it without noting it. `posted`: it stands. `others`: a living process is about to post it.
 */
export type CommentReservation =
  { kind: "mine"; attempt: "first" | "repeat" } | { kind: "posted"; commentId: number } | { kind: "others" };

const Row = z.object({ comment_by: z.string().nullable(), comment_id: z.number().nullable() });

/** In the place of a process's id: somebody tried to post it and gave it up, so whoever comes next may. */
const NOBODY = "";

/** Gives back the status comment of a run that this process could not post; it may have been posted without its knowing. */
export async function giveCommentBack(
  { kysely }: Database,
  { runId, process }: { runId: RunId; process: ProcessIdentity },
): Promise<void> {
  await kysely
    .updateTable("runs")
    .set({ comment_by: NOBODY })
    .where("run_id", "=", runId)
    .where("comment_by", "=", process.id)
    .where("comment_id", "is", null)
    .execute();
}

/** Reserves the status comment of a run for this process, unless it stands or a living process has reserved it. */
export async function reserveComment(
  database: Database,
  { runId, process }: { runId: RunId; process: ProcessIdentity },
): Promise<CommentReservation> {
  return database.transact(async (kysely) => {
    const place = { engine: database.engine, kysely };
    const query = kysely.selectFrom("runs").select(["comment_by", "comment_id"]).where("run_id", "=", runId);
    const row = Row.parse(await (database.engine === "postgres" ? query.forUpdate() : query).executeTakeFirstOrThrow());
    if (row.comment_id !== null) return { kind: "posted", commentId: row.comment_id };
    if (row.comment_by !== null && row.comment_by !== NOBODY && row.comment_by !== process.id) {
      const judge = await readLeases(place, { self: process });
      if (judge(row.comment_by) === "held") return { kind: "others" };
    }
    await ensureLease(place, { process });
    await kysely.updateTable("runs").set({ comment_by: process.id }).where("run_id", "=", runId).execute();
    return { kind: "mine", attempt: row.comment_by === null ? "first" : "repeat" };
  });
}
