import type { RunId } from "../../../src/run/id.ts";
import type { CommentRecord } from "../../../src/trigger/github/reporter.ts";

/** The record of status comments by the rules of the real one, shared by processes that live and die. */
export type SharedComments = {
  /** The record as this process sees it. */
  of(process: string): CommentRecord;
  /** From now on somebody else has this run of the process in hand. */
  lose(process: string, runId: RunId): void;
  /** From now on this process is dead. */
  kill(process: string): void;
  /** The noted comment of a run. */
  commentId(runId: RunId): number | null;
};

export function createSharedComments(): SharedComments {
  const rows = new Map<RunId, { by: string | null; commentId: number | null }>();
  const dead = new Set<string>();
  const lost = new Set<string>();
  const rowOf = (runId: RunId) => rows.get(runId) ?? { by: null, commentId: null };
  return {
    of: (process) => ({
      reserve: async (runId) => {
        const row = rowOf(runId);
        if (row.commentId !== null) return { kind: "posted", commentId: row.commentId };
        if (row.by !== null && row.by !== "" && row.by !== process && !dead.has(row.by)) return { kind: "others" };
        rows.set(runId, { ...row, by: process });
        return { kind: "mine", attempt: row.by === null ? "first" : "repeat" };
      },
      mayEdit: async (runId) => !lost.has(`${process} ${runId}`),
      giveBack: async (runId) => {
        const row = rowOf(runId);
        if (row.by === process) rows.set(runId, { ...row, by: "" });
      },
      note: async (runId, commentId) => void rows.set(runId, { ...rowOf(runId), commentId }),
    }),
    lose: (process, runId) => void lost.add(`${process} ${runId}`),
    kill: (process) => void dead.add(process),
    commentId: (runId) => rowOf(runId).commentId,
  };
}
