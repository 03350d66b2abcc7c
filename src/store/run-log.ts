import { closeSync, createWriteStream, openSync, readSync, statSync, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { RunId } from "../run/id.ts";
import type { Mask } from "../masking/mask.ts";
import type { StyledSpan } from "../text/styled-text.ts";
import { openColourFile, type ColourFile } from "./log-colours.ts";
import type { StatePaths } from "./paths.ts";
import { toRunFile } from "./run-files.ts";

/**
 * The files that grow while a run goes: `events.jsonl`, `log.txt` and the colours of the log. Secrets are masked on the way;
 * text that holds one has no colours.
 */
export type RunLog = {
  writeEvent(line: string): void;
  /** `spans`: how pieces of the line look, in order. */
  writeLog(line: string, spans?: readonly StyledSpan[]): void;
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
  const logPath = toRunFile(paths, { runId, file: "log" });
  const logBytes = mode === "new" ? 0 : readSize(logPath);
  const colours = openColourFile(toRunFile(paths, { runId, file: "colours" }), { logBytes });
  const events = createCappedFile(toRunFile(paths, { runId, file: "events" }), {
    ...{ mask, mode, maxBytes, colours: null },
    toNotice: (bytes) => JSON.stringify({ type: "orchestrator.left_out", bytes }),
  });
  const log = createCappedFile(logPath, {
    ...{ mask, mode, maxBytes, colours },
    toNotice: (bytes) => `[… ${bytes} bytes left out here: the log of a run holds ${maxBytes} bytes …]`,
  });
  return {
    writeEvent: events.write,
    writeLog: log.write,
    drained: async () => void (await Promise.all([events.drained(), log.drained()])),
    close: async () => {
      await Promise.all([events.close(), log.close()]);
      await colours.close();
    },
  };
}

type CappedFile = {
  write(line: string, spans?: readonly StyledSpan[]): void;
  drained(): Promise<void>;
  close(): Promise<void>;
};
type CappedFileOptions = Pick<OpenRunLogOptions, "mask" | "mode"> & {
  maxBytes: number;
  colours: ColourFile | null;
  toNotice: (bytes: number) => string;
};

/** Lines are gathered, then masked and written together: a flood of short ones costs little more than its bytes. */
function createCappedFile(path: string, { mask, mode, maxBytes, colours, toNotice }: CappedFileOptions): CappedFile {
  const stream = createWriteStream(path, { mode: 0o640, flags: mode === "new" ? "w" : "a" });
  let failure: Error | null = null;
  stream.on("error", (error) => (failure = error));
  const tail = createTail();
  let written = mode === "new" ? 0 : readSize(path);
  if (written > 0 && !endsLine(path, { size: written })) {
    stream.write("\n"); // a process that was killed left half a line
    written += 1;
  }
  let lines: string[] = [];
  let spans: StyledSpan[] = [];
  let gathered = 0;

  const flush = (): void => {
    if (lines.length === 0) return;
    const text = `${lines.join("\n")}\n`;
    const masked = mask.text(text);
    const bytes = Buffer.from(masked, "utf8");
    const look = masked === text ? spans : []; // elsewhere the places are others
    [lines, spans, gathered] = [[], [], 0];
    if (written + bytes.length > maxBytes) return tail.push(bytes);
    if (look.length > 0) colours?.write(look, { text, at: written });
    written += bytes.length;
    stream.write(bytes);
  };
  return {
    write(line, look = []) {
      lines.push(line);
      for (const { start, end, style } of look) spans.push({ start: gathered + start, end: gathered + end, style });
      gathered += line.length + 1;
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

function readSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function endsLine(path: string, { size }: { size: number }): boolean {
  const file = openSync(path, "r");
  try {
    const last = Buffer.alloc(1);
    readSync(file, last, 0, 1, size - 1);
    return last.toString("latin1") === "\n";
  } finally {
    closeSync(file);
  }
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
