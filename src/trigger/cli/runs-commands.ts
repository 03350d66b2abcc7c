import { pipeline } from "node:stream/promises";
import type { RunId } from "../../run/id.ts";
import type { RunFile } from "../../store/run-files.ts";
import type { RunRecord } from "../../store/runs.ts";
import { findRecord } from "./find-record.ts";
import { UsageError, type Product, type Terminal } from "./product.ts";
import { toResultText } from "./run-command.ts";

export type ListFlags = {
  limit: number;
  repo?: string | undefined;
  status?: string | undefined;
  json?: boolean | undefined;
};

/** Prints the runs on record, newest first. */
export async function listRuns(
  { store }: Product,
  { flags, terminal }: { flags: ListFlags; terminal: Terminal },
): Promise<void> {
  const records = await store.list({ limit: flags.limit, repo: flags.repo, status: flags.status });
  if (flags.json === true) {
    terminal.out.write(`${JSON.stringify(records.map(toRow), null, 2)}\n`);
    return;
  }
  if (records.length === 0) terminal.err.write("No runs yet.\n");
  for (const record of records) terminal.out.write(`${toLine(record)}\n`);
}

/** Prints one run: its result, or where it stands. */
export async function showRun(
  product: Product,
  { id, flags, terminal }: { id: string; flags: { json?: boolean | undefined }; terminal: Terminal },
): Promise<void> {
  const record = await findRecord(product, id);
  if (flags.json === true) {
    const document = record.result === null ? toRow(record) : await product.files.completeResult(record.result);
    terminal.out.write(`${JSON.stringify(document, null, 2)}\n`);
  } else if (record.result === null) terminal.out.write(`${toLine(record)}\n`);
  else terminal.out.write(`run ${record.runId} of ${record.repo}\n${toResultText(record.result, product.config)}`);
}

/** A file of a run that people read, under the name it has over MCP. */
type Artifact = "log" | "diff";

const artifactFiles: Record<Artifact, RunFile> = { log: "log", diff: "patch" };

type PrintOptions = { id: string; artifact: Artifact; flags: { json?: boolean | undefined }; terminal: Terminal };

/** Copies a file of a run to the terminal, as a stream: as it is, or as the text in a JSON document. */
export async function printRunFile(product: Product, { id, artifact, flags, terminal }: PrintOptions): Promise<void> {
  const { runId } = await findRecord(product, id);
  const file = artifactFiles[artifact];
  const content = product.streamRunFile(runId, file);
  try {
    if (flags.json !== true) await pipeline(content, terminal.out, { end: false });
    else await pipeline(content, (pieces) => toDocument(pieces, { runId, artifact }), terminal.out, { end: false });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EPIPE")))
      throw error;
    if (error.code === "ENOENT") throw new UsageError(`The run ${id} has no ${file}.`);
  }
}

async function* toDocument(
  pieces: AsyncIterable<Buffer | string>,
  { runId, artifact }: { runId: RunId; artifact: Artifact },
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const toInner = (text: string): string => JSON.stringify(text).slice(1, -1);
  // Nothing is said before the file is known to be there.
  let lead = JSON.stringify({ run_id: runId, artifact, text: "" }).slice(0, -2);
  for await (const piece of pieces) {
    yield `${lead}${toInner(typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }))}`;
    lead = "";
  }
  yield `${lead}${toInner(decoder.decode())}"}\n`;
}

/** Publishes what a run kept, and prints its result. */
export async function publishRun(
  product: Product,
  {
    id,
    flags,
    terminal,
  }: { id: string; flags: { allowProtected?: boolean | undefined; json?: boolean | undefined }; terminal: Terminal },
): Promise<void> {
  const { runId } = await findRecord(product, id);
  const result = await product.publishRun(runId, {
    protectedFiles: flags.allowProtected === true ? "allowed" : "held",
  });
  terminal.out.write(
    flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : toResultText(result, product.config),
  );
}

function toRow({ runId, repo, state, acceptedAt, result }: RunRecord) {
  return {
    run_id: runId,
    repo,
    status: state,
    accepted_at: acceptedAt,
    duration: result?.duration ?? null,
    pull_request: result?.pull_request ?? null,
  };
}

function toLine({ runId, repo, state, acceptedAt, result }: RunRecord): string {
  const outcome = result?.pull_request?.url ?? result?.error?.reason ?? "";
  return [runId, acceptedAt.slice(0, 19).replace("T", " "), state.padEnd(10), repo, outcome].join("  ").trimEnd();
}
