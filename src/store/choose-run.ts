import type { Kysely, Transaction } from "kysely";
import { z } from "zod";
import type { RunId } from "../run/id.ts";
import { isBegun, isCancelledInQueue, isExecuting, isReady, moveHome, type Line } from "./lines.ts";
import { sharesFolders, type ProcessIdentity } from "./process-identity.ts";
import { StoredRunId } from "./run-row.ts";
import type { Place, Tables } from "./tables.ts";

/** How many runs may be executed at once: `total` on this machine, `perRepository` on all together. */
export type ClaimLimits = { total: number; perRepository: number };

/**
 * "own": only runs whose home is this process. "left": also those whose home was a process that is gone, but none that
 * anybody may execute: a server has the credentials for those.
 */
export type ClaimScope = "own" | "left" | "all";

/** Who chooses, alone in the queue while the transaction lasts. */
export type Chooser = {
  transaction: Transaction<Tables>;
  self: ProcessIdentity;
  /** Tells of any process whether it still holds what it owns; see lease.ts. */
  readJudge(): Promise<(processId: string) => "held" | "ended">;
  /** Whether this process works on a run. What it owns otherwise it took without hearing of it: the answer got lost. */
  isHeld(runId: RunId): boolean;
};

/** A run to be taken: where it waits, and the place it gets; both null when it was begun before. */
export type Taking = { runId: RunId; queued: Line | null; place: Place | null };

const QueuedRow = z.object({ run_id: StoredRunId, home: z.string(), line: z.string() });

/** Whether a look into the queue is worth its lock: a run is ready, or waits to be cancelled. */
export async function hasWaiting(kysely: Kysely<Tables>): Promise<boolean> {
  const line = await kysely.selectFrom("lines").select("line").limit(1).executeTakeFirst();
  if (line !== undefined) return true;
  const cancelled = await kysely.selectFrom("runs").select("seq").where(isCancelledInQueue).limit(1).executeTakeFirst();
  return cancelled !== undefined;
}

/** Whether a look for abandoned runs is worth its lock: one was begun that this process does not work on. */
export async function hasBegun(kysely: Kysely<Tables>, { isHeld }: Pick<Chooser, "isHeld">): Promise<boolean> {
  const rows = await kysely.selectFrom("runs").select("run_id").where(isBegun).execute();
  return rows.some(({ run_id: runId }) => !isHeld(StoredRunId.parse(runId)));
}

/** Chooses the waiting run that is next, as `claimNext` promises; null when none may start. */
export async function chooseNext(
  chooser: Chooser,
  { scope, limits }: { scope: ClaimScope; limits: ClaimLimits },
): Promise<Taking | null> {
  const { transaction, self } = chooser;
  const homes = await toHomes(chooser, scope);
  const cancelled = await transaction
    .selectFrom("runs")
    .select(["run_id", "home", "line"])
    .where(isCancelledInQueue)
    .where("home", "in", scope === "all" ? [self.id, ""] : [self.id])
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  if (cancelled !== undefined) return toTaking(cancelled, { place: "leaving" });

  const busy = await readBusy(chooser);
  if (busy.here >= limits.total) return null;
  const full = [...busy.perLine].filter(([, runs]) => runs >= limits.perRepository).map(([line]) => line);
  const line = await findTurn(transaction, { homes, full });
  return line === null ? null : toTaking(await findFirst(transaction, { homes, line }), { place: "executing" });
}

function toTaking(row: unknown, { place }: { place: Place }): Taking {
  const { run_id: runId, ...queued } = QueuedRow.parse(row);
  return { runId, queued, place };
}

/** The homes whose waiting runs this process may take; those of processes that are gone become its own, or anybody's. */
async function toHomes(chooser: Chooser, scope: ClaimScope): Promise<string[]> {
  switch (scope) {
    case "own":
      return [chooser.self.id];
    case "left":
      await openHomes(chooser, { to: chooser.self.id });
      return [chooser.self.id];
    case "all":
      return openHomes(chooser, { to: "" });
  }
}

async function openHomes({ transaction, self, readJudge }: Chooser, { to }: { to: string }): Promise<string[]> {
  const rows = await transaction.selectFrom("lines").select("home").distinct().where("home", ">", "").execute();
  const others = rows.map(({ home }) => home).filter((home) => home !== self.id);
  if (others.length > 0) {
    const judge = await readJudge();
    for (const home of others) if (judge(home) === "ended") await moveHome(transaction, { from: home, to });
  }
  return others.length === rows.length ? [""] : [self.id, ""];
}

/** The run of this repository that was accepted first, of those that are ready. */
async function findFirst(
  transaction: Transaction<Tables>,
  { homes, line }: { homes: string[]; line: string },
): Promise<unknown> {
  const found: { seq: number; run_id: string; home: string; line: string }[] = [];
  for (const home of homes) {
    const row = await transaction
      .selectFrom("runs")
      .select(["seq", "run_id", "home", "line"])
      .where(isReady)
      .where("home", "=", home)
      .where("line", "=", line)
      .orderBy("seq")
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) found.push(row);
  }
  found.sort((one, other) => one.seq - other.seq);
  return found[0];
}

const BusyRows = z.array(z.object({ line: z.string(), machine: z.string(), owned: z.number(), runs: z.number() }));

/** How many runs are executed: those that some process owns on this machine, and all of each repository. */
async function readBusy({ transaction, self }: Chooser): Promise<{ here: number; perLine: Map<string, number> }> {
  const rows = BusyRows.parse(
    await transaction
      .selectFrom("runs")
      .select((eb) => [
        "line",
        "machine",
        eb.fn.count<number>("owner").as("owned"),
        eb.fn.countAll<number>().as("runs"),
      ])
      .where(isExecuting)
      .groupBy(["line", "machine"])
      .execute(),
  );
  const perLine = new Map<string, number>();
  for (const { line, runs } of rows) perLine.set(line, (perLine.get(line) ?? 0) + runs);
  const here = rows.filter(({ machine }) => machine === self.machine).reduce((sum, { owned }) => sum + owned, 0);
  return { here, perLine };
}

const TurnRow = z.object({ line: z.string(), turn: z.number() });

/** The repository whose turn it is, of those that may have one more run. */
async function findTurn(
  transaction: Transaction<Tables>,
  { homes, full }: { homes: string[]; full: string[] },
): Promise<string | null> {
  const found: z.infer<typeof TurnRow>[] = [];
  for (const home of homes) {
    let query = transaction.selectFrom("lines").select(["line", "turn"]).where("home", "=", home);
    if (full.length > 0) query = query.where("line", "not in", full);
    const row = await query.orderBy("turn").limit(1).executeTakeFirst();
    if (row !== undefined) found.push(TurnRow.parse(row));
  }
  found.sort((one, other) => one.turn - other.turn);
  return found[0]?.line ?? null;
}

const BegunRows = z.array(
  z.object({ run_id: StoredRunId, home: z.string(), owner: z.string().nullable(), machine: z.string().nullable() }),
);

/**
 * Chooses a run that was begun and that no living process owns, first of those whose folders are here; null when there
 * is none.
 */
export async function chooseAbandoned(
  { transaction, self, readJudge, isHeld }: Chooser,
  { scope }: { scope: ClaimScope },
): Promise<Taking | null> {
  let query = transaction.selectFrom("runs").select(["run_id", "home", "owner", "machine"]).where(isBegun);
  if (scope === "own") query = query.where("home", "=", self.id);
  if (scope === "left") query = query.where("home", ">", "");
  const rows = BegunRows.parse(await query.orderBy("seq").execute()).filter(({ run_id: runId }) => !isHeld(runId));
  if (rows.length === 0) return null;
  const judge = await readJudge();
  const isGone = (processId: string): boolean => processId === self.id || judge(processId) === "ended";
  const free = rows.filter(({ owner, home }) => (owner === null || isGone(owner)) && (home === "" || isGone(home)));
  const chosen = free.find(({ machine }) => sharesFolders(machine, self)) ?? free[0];
  return chosen === undefined ? null : { runId: chosen.run_id, queued: null, place: null };
}

const CertainRow = z.object({
  home: z.string(),
  line: z.string(),
  place: z.enum(["behind", "ready", "executing", "leaving"]),
  owner: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
});

/** Chooses one certain run, as `claim` promises; null when it may not be taken. */
export async function chooseCertain(
  { transaction, self, readJudge, isHeld }: Chooser,
  { runId }: { runId: RunId },
): Promise<Taking | null> {
  const found = await transaction
    .selectFrom("runs")
    .select(["home", "line", "place", "owner", "cancel_requested_at"])
    .where("run_id", "=", runId)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  if (found === undefined) return null;
  const row = CertainRow.parse(found);
  switch (row.place) {
    case "executing":
    case "leaving":
      if (isHeld(runId)) return null;
      if (row.owner !== null && row.owner !== self.id && (await readJudge())(row.owner) === "held") return null;
      return { runId, queued: null, place: null };
    case "behind":
    case "ready":
      if (row.cancel_requested_at !== null) return { runId, queued: row, place: "leaving" };
      return row.place === "ready" ? { runId, queued: row, place: "executing" } : null;
  }
}
