import { z } from "zod";
import { RunId } from "../run/id.ts";
import { RunProgress } from "../run/progress.ts";
import { RunRequest, toRepositoryName } from "../run/request.ts";
import { RunResult } from "../run/result.ts";
import { isFinal, LiveState, type RunState } from "../run/state.ts";
import type { Database } from "./database.ts";
import { isAlive, toOwner } from "./owner.ts";

/** One run as it stands on record. `result` is there once the state is final. */
export type RunRecord = {
  runId: RunId;
  repo: string;
  state: RunState;
  acceptedAt: string;
  progress: RunProgress | null;
  result: RunResult | null;
};

/** The record of all runs under one RUNS_PATH. */
export type RunStore = {
  /** Stores an accepted run, owned by this process. `deliveryId`: a second run for the same delivery is refused with `duplicate`. */
  add(request: RunRequest, options: { deliveryId: string | null }): "new" | "duplicate";
  /** The run that was accepted for this delivery before. */
  findByDelivery(deliveryId: string): RunId | null;
  /** Records where a living run stands, its state included. */
  setProgress(runId: RunId, progress: RunProgress): void;
  finish(result: RunResult): void;
  find(runId: RunId): RunRecord | null;
  request(runId: RunId): RunRequest | null;
  list(options: { limit: number; repo?: string | undefined; status?: string | undefined }): RunRecord[];
  /** How many runs a person started since a moment (ISO 8601). */
  countByActor(actorId: number, since: string): number;
  /** Live runs whose process is gone; they are this process's from now on. */
  adopt(): { request: RunRequest; state: LiveState }[];
  /** Ids of the runs that some living process works on. */
  liveIds(): RunId[];
};

const Row = z.object({
  run_id: RunId,
  repo: z.string(),
  state: z.string(),
  accepted_at: z.string(),
  progress: z.string().nullable(),
  result: z.string().nullable(),
});
const columns = "run_id, repo, state, accepted_at, progress, result";

/** Opens the record of runs in this database. */
export function createRunStore(database: Database): RunStore {
  const owner = toOwner();
  const insert = database.prepare(
    "INSERT INTO runs (run_id, repo, state, actor_id, delivery_id, accepted_at, owner, request) VALUES (?, ?, 'queued', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const delivery = database.prepare("SELECT run_id FROM runs WHERE delivery_id = ?");
  const progress = database.prepare("UPDATE runs SET state = ?, progress = ? WHERE run_id = ? AND result IS NULL");
  const finish = database.prepare("UPDATE runs SET state = ?, result = ?, progress = NULL WHERE run_id = ?");
  const one = database.prepare(`SELECT ${columns} FROM runs WHERE run_id = ?`);
  const request = database.prepare("SELECT request FROM runs WHERE run_id = ?");
  const list = database.prepare(
    `SELECT ${columns} FROM runs WHERE (?1 IS NULL OR repo = ?1) AND (?2 IS NULL OR state = ?2) ORDER BY run_id DESC LIMIT ?3`,
  );
  const byActor = database.prepare("SELECT count(*) AS runs FROM runs WHERE actor_id = ? AND accepted_at >= ?");
  const live = database.prepare("SELECT run_id, state, owner, request FROM runs WHERE result IS NULL ORDER BY run_id");
  const own = database.prepare("UPDATE runs SET owner = ? WHERE run_id = ? AND owner = ?");

  return {
    add: (run, { deliveryId }) =>
      insert.run(
        run.run_id,
        toRepositoryName(run.repository),
        run.thread?.actor_id ?? null,
        deliveryId,
        run.accepted_at,
        owner,
        JSON.stringify(run),
      ).changes === 1
        ? "new"
        : "duplicate",
    findByDelivery: (deliveryId) => {
      const row = delivery.get(deliveryId);
      return row === undefined ? null : RunId.parse(row["run_id"]);
    },
    setProgress: (runId, to) => void progress.run(to.state, JSON.stringify(to), runId),
    finish: (result) => void finish.run(result.status, JSON.stringify(result), result.run_id),
    find: (runId) => toRecord(one.get(runId)),
    request: (runId) => {
      const row = request.get(runId);
      return row === undefined ? null : RunRequest.parse(JSON.parse(z.string().parse(row["request"])));
    },
    list: ({ limit, repo, status }) =>
      list.all(repo ?? null, status ?? null, limit).flatMap((row) => toRecord(row) ?? []),
    countByActor: (actorId, since) => z.number().parse(byActor.get(actorId, since)?.["runs"]),
    adopt: () =>
      z
        .array(LiveRow)
        .parse(live.all())
        .filter(
          (row) => row.owner !== owner && !isAlive(row.owner) && own.run(owner, row.run_id, row.owner).changes === 1,
        )
        .map((row) => ({ request: RunRequest.parse(JSON.parse(row.request)), state: row.state })),
    liveIds: () =>
      z
        .array(LiveRow)
        .parse(live.all())
        .filter((row) => isAlive(row.owner))
        .map((row) => row.run_id),
  };
}

const LiveRow = z.object({ run_id: RunId, state: LiveState, owner: z.string(), request: z.string() });

function toRecord(row: unknown): RunRecord | null {
  if (row === undefined) return null;
  const found = Row.parse(row);
  const result = found.result === null ? null : RunResult.parse(JSON.parse(found.result));
  const progress = found.progress === null ? null : RunProgress.parse(JSON.parse(found.progress));
  const state = result?.status ?? LiveState.parse(found.state);
  return {
    runId: found.run_id,
    repo: found.repo,
    state,
    acceptedAt: found.accepted_at,
    progress: isFinal(state) ? null : progress,
    result,
  };
}
