import { PassThrough, type Readable } from "node:stream";
import type { OutputPiece, OutputSource } from "../../src/container/engine.ts";
import { readPieces } from "../../src/container/output-pieces.ts";

/** One frame as an engine sends it. */
export function toFrame({ stream, bytes }: { stream: OutputPiece["stream"]; bytes: Buffer | string }): Buffer {
  const payload = Buffer.from(bytes);
  const header = Buffer.alloc(8);
  header[0] = stream === "stderr" ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** A connection that the test writes itself. */
export type TestSource = OutputSource & {
  out(text: string): void;
  error(text: string): void;
  end(): void;
  cut(): void;
};

export function createSource(): TestSource {
  const connection = new PassThrough();
  connection.on("error", () => undefined);
  return {
    pieces: readPieces(connection),
    close: () => connection.destroy(),
    out: (bytes) => connection.write(toFrame({ stream: "stdout", bytes })),
    error: (bytes) => connection.write(toFrame({ stream: "stderr", bytes })),
    end: () => connection.end(),
    cut: () => connection.destroy(new Error("gone")),
  };
}

/** A connection that gives some text on stdout and ends. */
export function toSource(...texts: string[]): OutputSource {
  const source = createSource();
  for (const text of texts) source.out(text);
  source.end();
  return source;
}

/** What pieces say, each stream by itself. */
export async function joinPieces(pieces: AsyncIterable<OutputPiece>): Promise<{ stdout: string; stderr: string }> {
  const chunks: Record<OutputPiece["stream"], Buffer[]> = { stdout: [], stderr: [] };
  for await (const { stream, bytes } of pieces) chunks[stream].push(bytes);
  return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

/** Whether a stream has ended within some milliseconds. */
export async function endsWithin(stream: Readable, ms: number): Promise<boolean> {
  return Promise.race([
    new Promise<boolean>((resolve) => stream.once("close", () => resolve(true))),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ms)),
  ]);
}
