import type { Generated } from "kysely";

/**
 * The tables of the database, the same in SQLite and PostgreSQL. Made by migrations.ts; values are plain text, whole
 * numbers and bytes, and every row that comes out goes through a schema of its reader.
 */
export type Tables = {
  runs: RunsTable;
  run_ends: RunEndsTable;
  lines: LinesTable;
  processes: ProcessesTable;
  deliveries: DeliveriesTable;
  run_files: RunFilesTable;
  secrets: SecretsTable;
  spending: SpendingTable;
  call_requests: CallRequestsTable;
};

/**
 * Where a run stands in the queue.
 *
 *     behind -> ready -> executing
 *        '--------'----> leaving
 *
 * - `behind`: an earlier run of its lane is not over; when it is, the next of the lane becomes `ready`.
 * - `ready`: it may be taken as soon as the limits allow.
 * - `executing`: it was taken and holds a place under the limits until its result is there.
 * - `leaving`: it was taken to be ended, because it was cancelled while it waited; it holds no place.
 */
export type Place = "behind" | "ready" | "executing" | "leaving";

/** One row per run: the record and the queue in one. */
export type RunsTable = {
  /** Order of acceptance. */
  seq: Generated<number>;
  run_id: string;
  /** The repository as people write it. */
  repo: string;
  /** The repository as the queue tells it from others (see lane.ts). */
  line: string;
  /** Of the runs of one lane only one is executed at a time; null shares with nobody. */
  lane: string | null;
  /** Id of the process that alone may execute it while it lives; empty for any. */
  home: string;
  place: Place;
  state: string;
  actor_id: number | null;
  /** Whom it counts for; see budget/person.ts. */
  person: string | null;
  delivery_id: string | null;
  /** `<repository id>/<comment id>`. */
  comment_key: string | null;
  /** The branch that it pushed to. */
  branch: string | null;
  repository_id: number | null;
  thread_number: number | null;
  accepted_at: string;
  /** As it may be shown; see run-mask.ts. */
  request: string;
  /** What is not shown of it, encrypted; null when there is nothing such, and once the run is closed. */
  sealed_request: string | null;
  progress: string | null;
  usage: string | null;
  checkpoint: string | null;
  result: string | null;
  cancel_requested_at: string | null;
  /** Id of the process that took it last; null when it gave it back. */
  owner: string | null;
  /** The machine of the process that took it last. */
  machine: string | null;
  /** Counts how often it was taken. */
  fence: number;
  closed_at: string | null;
  /** Id of the process that reserved the status comment last; empty when that one gave it back. */
  comment_by: string | null;
  comment_id: number | null;
  /** The MCP session that asked for it, and a digest of what it asked; null for runs asked for in other ways. */
  call_session: string | null;
  call_args: string | null;
  /** When the one who asked got the result. */
  told_at: string | null;
  /** The run whose Codex thread it goes on with. */
  resumes: string | null;
};

/** What is counted of a run that is over, in a small row of its own: adding up a month reads no results. Times in milliseconds. */
export type RunEndsTable = {
  run_id: string;
  /** ISO 8601 in UTC. */
  ended_at: string;
  repo: string;
  /** See `RunsTable.line`. */
  line: string;
  status: string;
  /** From its start to its end. */
  took_ms: number;
  /** How long it waited in line; null when that is not known. */
  queued_ms: number | null;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
};

/** The repositories that have a run ready, and whose turn it is: the lowest one's. */
export type LinesTable = { home: string; line: string; turn: number };

/** The processes and their leases; `lease_until` counts on the clock of lease.ts, in milliseconds. */
export type ProcessesTable = { id: string; machine: string; boot: string; lease_until: number };

/** Webhook deliveries that were answered with 2xx. `taker` is the process that handles it. */
export type DeliveriesTable = {
  seq: Generated<number>;
  delivery_id: string;
  comment_key: string;
  event: string;
  payload: string;
  received_at: string;
  handled_at: string | null;
  taker: string;
};

/** Files of runs that every machine can read, in numbered chunks. */
export type RunFilesTable = { run_id: string; name: string; chunk: number; bytes: Uint8Array; created_at: string };

/** Values that only this product writes, such as a login; what is secret in them is encrypted before it comes here. */
export type SecretsTable = { name: string; value: string; updated_at: string; fence: number };

/**
 * Tokens by run and hour (since 1970), told as they are used; a row of its own, so that neither a kill nor the removal of a
 * run gives a budget back. `spent_at` is when the last of them were used, in milliseconds since 1970.
 */
export type SpendingTable = {
  run_id: string;
  hour: number;
  line: string;
  person: string | null;
  tokens: number;
  spent_at: number;
};

/**
 * The runs that MCP sessions asked for, by a digest of the session and its request. A run whose `delivery_id` is that digest
 * has no row.
 */
export type CallRequestsTable = { request: string; run_id: string };
