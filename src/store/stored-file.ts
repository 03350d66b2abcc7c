import { createWriteStream } from "node:fs";
import { rename, type FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RunId } from "../run/id.ts";
import type { Chunk, ChunkTable } from "./chunk-table.ts";
import { openRegularFile, readPieces } from "./file-pieces.ts";
import {
  createGeneration,
  packChunk,
  readChunkHead,
  toMark,
  toMarkedLength,
  unpackChunk,
  type ChunkHead,
} from "./shared-chunk.ts";

type FileOptions = { runId: RunId; name: string; path: string };

/** See `SharedFiles.append`. */
export async function appendFile(table: ChunkTable, { runId, name, path }: FileOptions): Promise<void> {
  await using file = await openRegularFile(path);
  if (file === null) return;
  const { size } = await file.stat();
  const last = await table.last(runId, name);
  if (last !== null && !(await goesOn(file, last.head))) return await replaceFile(table, { runId, name, path });
  const generation = last?.head.generation ?? createGeneration();
  let chunk = (last?.chunk ?? -1) + 1;
  for await (const { raw, end } of readPieces(file, { from: last?.head.end ?? 0, to: size })) {
    await table.add(runId, { name, chunk, bytes: await packChunk(raw, { end, generation }) });
    chunk++;
  }
}

/** See `SharedFiles.replace`. */
export async function replaceFile(table: ChunkTable, { runId, name, path }: FileOptions): Promise<void> {
  await using file = await openRegularFile(path);
  if (file === null) throw new Error(`${path} is not there`);
  await table.rewrite(runId, { remove: { kind: "file", name }, toChunks: () => readChunks(file, { name }) });
}

/** See `SharedFiles.restore`. */
export async function restoreFile(table: ChunkTable, { runId, name, path }: FileOptions): Promise<boolean> {
  const stream = await openStored(table, { runId, name });
  if (stream === null) return false;
  await pipeline(stream, createWriteStream(`${path}.part`, { mode: 0o640, flush: true }));
  await rename(`${path}.part`, path);
  return true;
}

/** Whether a file holds, at the place where the stored piece ends, what that piece ends with. */
async function goesOn(file: FileHandle, head: ChunkHead): Promise<boolean> {
  const from = head.end - toMarkedLength(head);
  for await (const { raw, end } of readPieces(file, { from, to: head.end })) {
    return end === head.end && toMark(raw) === head.mark;
  }
  return head.length === 0;
}

/** A whole file as chunks. An empty one has one, else it would not be there. */
export async function* readChunks(file: FileHandle, { name }: { name: string }): AsyncGenerator<Chunk> {
  const { size } = await file.stat();
  const generation = createGeneration();
  if (size === 0) yield { name, chunk: 0, bytes: await packChunk(Buffer.alloc(0), { end: 0, generation }) };
  let chunk = 0;
  for await (const { raw, end } of readPieces(file, { from: 0, to: size })) {
    yield { name, chunk, bytes: await packChunk(raw, { end, generation }) };
    chunk++;
  }
}

type OpenStoredOptions = { runId: RunId; name: string; from?: number };

/** See `SharedFiles.open`. */
export async function openStored(
  table: ChunkTable,
  { runId, name, from = 0 }: OpenStoredOptions,
): Promise<Readable | null> {
  const first = await table.first(runId, { name, from });
  if (first !== null) return Readable.from(readStored(table, { runId, name, from, first }), { objectMode: false });
  return (await table.last(runId, name)) === null ? null : Readable.from([]);
}

async function* readStored(
  table: ChunkTable,
  { runId, name, from, first }: Required<OpenStoredOptions> & { first: number },
): AsyncGenerator<Buffer> {
  let known: string | null = null;
  for (let chunk = first; ; chunk++) {
    const bytes = await table.read(runId, { name, chunk });
    if (bytes === null) return;
    const { end, length, generation } = readChunkHead(bytes);
    known ??= generation;
    if (generation !== known) throw new Error(`${name} was replaced while it was read`);
    const raw = await unpackChunk(bytes);
    const skipped = Math.max(0, from - (end - length));
    if (raw.length > skipped) yield raw.subarray(skipped);
  }
}
