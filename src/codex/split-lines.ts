/** A line of output, or the size of one that was too long to keep. */
export type Line = { kind: "line"; text: string } | { kind: "too-long"; start: string; bytes: number };

export type LineSplitter = {
  push(chunk: Buffer): void;
  /** Gives what came after the last line break, too. */
  end(): void;
};

export type LineSplitterOptions = { onLine: (line: Line) => void; maxLineBytes: number };

/** Most lines of Codex fit into this. */
const FIRST_BYTES = 64 * 1024;

/** How much of a line that is too long is told: enough to find a secret in it, before less than that is shown. */
const START_BYTES = 16 * 1024;

const LINE_FEED = 10;

/**
 * Splits bytes into lines at `\n`, whatever the chunks are. Holds at most one line of `maxLineBytes`; of a longer one it
 * keeps the start and counts the rest. Bytes that are no UTF-8 become U+FFFD, empty lines are left out.
 */
export function createLineSplitter({ onLine, maxLineBytes }: LineSplitterOptions): LineSplitter {
  // One buffer that grows, since a process may write its line byte by byte.
  let held = Buffer.allocUnsafe(Math.min(FIRST_BYTES, maxLineBytes));
  let length = 0;

  const add = (bytes: Buffer): void => {
    const fits = Math.min(bytes.length, Math.max(0, maxLineBytes - length));
    if (fits > 0 && length + fits > held.length) {
      const larger = Buffer.allocUnsafe(Math.min(maxLineBytes, Math.max(2 * held.length, length + fits)));
      held.copy(larger, 0, 0, length);
      held = larger;
    }
    bytes.copy(held, length, 0, fits);
    length += bytes.length;
  };
  const finish = (): void => {
    if (length > maxLineBytes)
      onLine({ kind: "too-long", start: held.toString("utf8", 0, START_BYTES), bytes: length });
    else if (length > 0) {
      const text = held.toString("utf8", 0, length).replace(/\r$/, "");
      if (text.trim() !== "") onLine({ kind: "line", text });
    }
    length = 0;
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
        add(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      add(chunk.subarray(from));
    },
    end: finish,
  };
}
