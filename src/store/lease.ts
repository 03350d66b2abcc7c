import { sql, type Kysely } from "kysely";
import { z } from "zod";
import { readMachineTime } from "../run/machine-time.ts";
import type { Database } from "./database.ts";
import { checkProcess, type ProcessIdentity } from "./process-identity.ts";
import type { Tables } from "./tables.ts";

/** How long a process counts as alive after it last said so, unless it is told otherwise, in milliseconds. */
export const DEFAULT_LEASE_MS = 20_000;
/** How long the lease of a process that ended is remembered. */
const KEEP_ENDED_MS = 3_600_000;

/** Where a lease is read or written: the engine, and the connection or transaction in which that happens. */
export type LeasePlace = { engine: Database["engine"]; kysely: Kysely<Tables> };

/** Makes or renews the lease of a process: others leave alone what it owns for `leaseMs` from now. */
export async function renewLease(
  { engine, kysely }: LeasePlace,
  { process, leaseMs }: { process: ProcessIdentity; leaseMs: number },
): Promise<void> {
  const { id, machine, boot } = process;
  const until = Math.round((await readClockMs({ engine, kysely })) + leaseMs);
  await kysely
    .insertInto("processes")
    .values({ id, machine, boot, lease_until: until })
    .onConflict((conflict) => conflict.column("id").doUpdateSet({ lease_until: until }))
    .execute();
}

/** Makes a lease for a process that has none, and leaves one alone that is there. */
export async function ensureLease(place: LeasePlace, options: { process: ProcessIdentity }): Promise<void> {
  const { id } = options.process;
  const found = await place.kysely.selectFrom("processes").select("id").where("id", "=", id).executeTakeFirst();
  if (found === undefined) await renewLease(place, { ...options, leaseMs: DEFAULT_LEASE_MS });
}

/** Ends the lease of a process now. */
export async function endLease({ kysely }: LeasePlace, { process }: { process: ProcessIdentity }): Promise<void> {
  await kysely.updateTable("processes").set({ lease_until: 0 }).where("id", "=", process.id).execute();
}

/** Forgets processes that ended long ago, and on SQLite those of an earlier boot. */
export async function forgetProcesses(place: LeasePlace, { process }: { process: ProcessIdentity }): Promise<void> {
  const { engine, kysely } = place;
  const before = Math.round((await readClockMs(place)) - KEEP_ENDED_MS);
  await kysely.deleteFrom("processes").where("lease_until", "<", before).where("id", "<>", process.id).execute();
  if (engine === "sqlite") await kysely.deleteFrom("processes").where("boot", "<>", process.boot).execute();
}

const Lease = z.object({ id: z.string(), boot: z.string(), lease_until: z.number() });

/**
 * Reads all leases, and tells for any process whether it still holds what it owns: "ended" when it is known to be dead,
 * gave its lease up or let it run out.
 *
 * On SQLite time is the machine's own clock, which no change of the time of day moves, and an owner of another boot is
 * dead. On PostgreSQL it is the server's clock, the same for all machines.
 */
export async function readLeases(
  place: LeasePlace,
  { self }: { self: ProcessIdentity },
): Promise<(processId: string) => "held" | "ended"> {
  const rows = await place.kysely.selectFrom("processes").select(["id", "boot", "lease_until"]).execute();
  const leases = new Map(
    z
      .array(Lease)
      .parse(rows)
      .map((lease) => [lease.id, lease]),
  );
  const nowMs = await readClockMs(place);
  return (processId) => {
    const lease = leases.get(processId);
    if (lease === undefined || checkProcess(processId, self) === "dead") return "ended";
    if (place.engine === "sqlite" && lease.boot !== self.boot) return "ended";
    return lease.lease_until > nowMs ? "held" : "ended";
  };
}

async function readClockMs({ engine, kysely }: LeasePlace): Promise<number> {
  if (engine === "sqlite") return readMachineTime().ms;
  const { rows } = await sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.execute(kysely);
  return z.tuple([z.object({ now: z.number() })]).parse(rows)[0].now;
}
