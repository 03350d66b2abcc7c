import type { Transaction } from "kysely";
import { z } from "zod";
import { toPerson } from "../budget/person.ts";
import type { StartRefusal } from "../budget/start-refusal.ts";
import { RunId } from "../run/id.ts";
import { toRepositoryName, type RunRequest } from "../run/request.ts";
import { toShownRequest } from "../masking/run-mask.ts";
import { noteRequest, type CalledRun, type CallMark } from "./calls.ts";
import type { Database } from "./database.ts";
import { toCommentKey, toLane, toLine } from "./lane.ts";
import { isWaiting, joinRound } from "./lines.ts";
import { findReachedLimit, type StartLimits } from "./start-limits.ts";
import type { Tables } from "./tables.ts";

export type { CallMark } from "./calls.ts";

export type AddRunOptions = {
  /** What of the request is not shown, sealed. Default: there is nothing such. */
  sealed?: string | null;
  /** GitHub's id of the delivery it came with; a second run for the same one is not made. */
  deliveryId: string | null;
  /** The call it came with, when it is one that may be repeated. */
  call?: CallMark | null;
  /** Id of the process that alone may execute it while it lives; null for any. */
  home: string | null;
  /** The most runs that may wait. */
  maxQueued: number;
  /** What its person and its repository may still start. Default: anything. */
  limits?: StartLimits;
};

/** `duplicate`: the delivery, the comment, or the call whose end was not told yet, has a run already. */
export type AddedRun = { kind: "new" } | { kind: "duplicate"; runId: RunId } | StartRefusal;

/** Puts a run into the queue, at the end of its lane. */
export async function addRun(
  database: Database,
  { request, sealed = null, deliveryId, call = null, home, maxQueued, limits }: AddRunOptions & { request: RunRequest },
): Promise<AddedRun> {
  return database.transact(
    async (transaction): Promise<AddedRun> => {
      const earlier = await findEarlier(transaction, { request, deliveryId, call });
      if (earlier !== null) {
        if (call !== null) await noteRequest(transaction, { call, run: earlier });
        return { kind: "duplicate", runId: earlier.runId };
      }
      const waiting = await countWaiting(transaction);
      if (waiting >= maxQueued) return { kind: "full", waiting };
      const refusal = limits === undefined ? null : await findReachedLimit(transaction, { request, limits });
      if (refusal !== null) return refusal;

      const line = { home: home ?? "", line: toLine(request.repository) };
      const lane = toLane(request);
      const place = lane === null || (await isFree(transaction, { lane })) ? "ready" : "behind";
      await transaction
        .insertInto("runs")
        .values({
          ...line,
          ...{ lane, place, state: "queued", run_id: request.run_id, repo: toRepositoryName(request.repository) },
          actor_id: request.thread?.actor_id ?? null,
          person: toPerson(request),
          delivery_id: deliveryId,
          call_session: call?.session ?? null,
          call_args: call?.args ?? null,
          comment_key: toCommentKey(request),
          repository_id: request.thread?.repository_id ?? null,
          thread_number: request.thread?.number ?? null,
          accepted_at: request.accepted_at,
          resumes: request.resume?.run_id ?? null,
          request: JSON.stringify(toShownRequest(request)),
          sealed_request: sealed,
          fence: 0,
        })
        .execute();
      if (call !== null) {
        const run = { runId: request.run_id, deliveryId, callArgs: call.args };
        await noteRequest(transaction, { call, run });
      }
      if (place === "ready") await joinRound(transaction, line);
      return { kind: "new" };
    },
    { lock: "queue" },
  );
}

type Origin = { request: RunRequest; deliveryId: string | null; call: CallMark | null };

/** The run that was made before for the same delivery or comment, or under the same id. */
async function findEarlier(
  transaction: Transaction<Tables>,
  { request, deliveryId, call }: Origin,
): Promise<CalledRun | null> {
  const commentKey = toCommentKey(request);
  const row = await transaction
    .selectFrom("runs")
    .select(["run_id", "delivery_id", "call_args"])
    .where((eb) =>
      eb.or([
        eb("run_id", "=", request.run_id),
        ...(deliveryId === null ? [] : [eb("delivery_id", "=", deliveryId)]),
        ...(commentKey === null ? [] : [eb("comment_key", "=", commentKey)]),
        ...(call === null
          ? []
          : [
              eb.and([
                eb("call_session", "=", call.session),
                eb("call_args", "=", call.args),
                eb("told_at", "is", null),
              ]),
            ]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  return { runId: RunId.parse(row.run_id), deliveryId: row.delivery_id, callArgs: row.call_args };
}

async function countWaiting(transaction: Transaction<Tables>): Promise<number> {
  const row = await transaction
    .selectFrom("runs")
    .select((eb) => eb.fn.countAll<number>().as("waiting"))
    .where(isWaiting)
    .executeTakeFirst();
  return z.object({ waiting: z.number() }).parse(row).waiting;
}

/** Whether no run of the lane waits or is executed. */
async function isFree(transaction: Transaction<Tables>, { lane }: { lane: string }): Promise<boolean> {
  const row = await transaction
    .selectFrom("runs")
    .select("seq")
    .where("lane", "=", lane)
    .where("result", "is", null)
    .limit(1)
    .executeTakeFirst();
  return row === undefined;
}
