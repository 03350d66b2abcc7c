import { createWriteStream, statSync, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { RunId } from "../run/id.ts";
import type { Mask } from "../mask.ts";
import type { StatePaths } from "./paths.ts";
import { toRunFile } from "./run-files.ts";

/** The two files that grow while a run goes: `events.jsonl` and `log.txt`. Secrets are masked on the way. */
export type RunLog = {
  writeEvent(line: string): void;
  writeLog(line: string): void;
  /** Resolves once what was written has left memory; a producer waits for it, so that a flood is slowed down, not kept. */
  drained(): Promise<void>;
  close(): Promise<void>;
};

/** The most one file takes; what comes after is counted, and its end is kept. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const TAIL_BYTES = 256 * 1024;
/** How much is gathered before it is written, when nobody asks for it before. */
const GATHER_CHARACTERS = 64 * 1024;

export type OpenRunLogOptions = {
  runId: RunId;
  mask: Mask;
  /** `new` replaces what the files hold, `append` adds to it. */
  mode: "new" | "append";
  /** The most one file takes, besides its end. Default 64 MiB. */
  maxBytes?: number;
};

/** Opens both files for a run whose folder is there. Each holds at most `maxBytes`, and its end. */
export function openRunLog(
  paths: StatePaths,
  { runId, mask, mode, maxBytes = MAX_FILE_BYTES }: OpenRunLogOptions,
): RunLog {
  const events = createCappedFile(toRunFile(paths, { runId, file: "events" }), {
    ...{ mask, mode, maxBytes },
    toNotice: (bytes) => JSON.stringify({ type: "orchestrator.left_out", bytes }),
  });
  const log = createCappedFile(toRunFile(paths, { runId, file: "log" }), {
    ...{ mask, mode, maxBytes },
    toNotice: (bytes) => `[… ${bytes} bytes left out here: the log of a run holds ${maxBytes} bytes …]`,
  });
  return {
    writeEvent: events.write,
    writeLog: log.write,
    drained: async () => void (await Promise.all([events.drained(), log.drained()])),
    close: async () => void (await Promise.all([events.close(), log.close()])),
  };
}

type CappedFile = { write(line: string): void; drained(): Promise<void>; close(): Promise<void> };
type CappedFileOptions = Pick<OpenRunLogOptions, "mask" | "mode"> & {
  maxBytes: number;
  toNotice: (bytes: number) => string;
};

/** Lines are gathered, then masked and written together: a flood of short ones costs little more than its bytes. */
function createCappedFile(path: string, { mask, mode, maxBytes, toNotice }: CappedFileOptions): CappedFile {
  const stream = createWriteStream(path, { mode: 0o640, flags: mode === "new" ? "w" : "a" });
  let failure: Error | null = null;
  stream.on("error", (error) => (failure = error));
  const tail = createTail();
  let written = mode === "new" ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  let lines: string[] = [];
  let gathered = 0;

  const flush = (): void => {
    if (lines.length === 0) return;
    const bytes = Buffer.from(mask.text(`${lines.join("\n")}\n`), "utf8");
    lines = [];
    gathered = 0;
    if (written + bytes.length > maxBytes) return tail.push(bytes);
    written += bytes.length;
    stream.write(bytes);
  };
  return {
    write(line) {
      lines.push(line);
      gathered += line.length;
      if (gathered >= GATHER_CHARACTERS) flush();
    },
    drained: () => {
      flush();
      return failure === null && stream.writableNeedDrain ? waitForDrain(stream) : Promise.resolve();
    },
    close: async () => {
      flush();
      if (tail.leftOut() > 0) stream.write(`${toNotice(tail.leftOut())}\n`);
      for (const part of tail.parts()) stream.write(part);
      await endStream(stream, failure);
    },
  };
}

/** Resolves at the next drain, or when the stream ends for whatever reason. Leaves no listener behind. */
function waitForDrain(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}

/** Keeps the last parts within `TAIL_BYTES` and counts the bytes of those it let go. */
function createTail(): { push(part: Buffer): void; parts(): Buffer[]; leftOut(): number } {
  const parts: Buffer[] = [];
  let held = 0;
  let dropped = 0;
  return {
    push(part) {
      parts.push(part);
      held += part.length;
      while (held > TAIL_BYTES && parts.length > 1) {
        const first = parts.shift();
        held -= first?.length ?? 0;
        dropped += first?.length ?? 0;
      }
    },
    parts: () => parts,
    leftOut: () => dropped,
  };
}

async function endStream(stream: WriteStream, failure: Error | null): Promise<void> {
  if (failure !== null) throw failure;
  stream.end();
  await finished(stream);
}
