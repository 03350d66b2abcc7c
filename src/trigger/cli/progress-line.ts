import type { RunProgress } from "../../run/progress.ts";
import { toDurationText } from "../../run/words.ts";

/** Shows a run's progress: one line that rewrites itself on a terminal, else a line per change of state. */
export type ProgressLine = { show(progress: RunProgress): void; end(): void };

const QUIET_LINE_EVERY_S = 10;

/** Chooses by the stream: a terminal gets the living line. */
export function createProgressLine(stream: NodeJS.WritableStream & { isTTY?: boolean }): ProgressLine {
  return stream.isTTY === true ? createLiveLine(stream) : createPlainLines(stream);
}

function createLiveLine(stream: NodeJS.WritableStream): ProgressLine {
  let last: { progress: RunProgress; at: number } | null = null;
  const draw = (): void => {
    if (last === null) return;
    const elapsedS = last.progress.elapsedS + (performance.now() - last.at) / 1000;
    stream.write(`\r\u001b[2K${toLine({ ...last.progress, elapsedS })}`);
  };
  const timer = setInterval(draw, 1000);
  timer.unref();
  return {
    show: (progress) => {
      last = { progress, at: performance.now() };
      draw();
    },
    end: () => {
      clearInterval(timer);
      stream.write("\r\u001b[2K");
    },
  };
}

function createPlainLines(stream: NodeJS.WritableStream): ProgressLine {
  let shown: { state: string; elapsedS: number } | null = null;
  return {
    show: (progress) => {
      const due =
        shown === null || shown.state !== progress.state || progress.elapsedS - shown.elapsedS >= QUIET_LINE_EVERY_S;
      if (!due) return;
      shown = progress;
      stream.write(`${toLine(progress)}\n`);
    },
    end: () => {},
  };
}

/** `running · 12.0 s · 3 commands · npm test`, on one line. */
function toLine({ state, queuePosition, elapsedS, activity, repoCommand = null }: RunProgress): string {
  const parts = [
    queuePosition === null ? state : `${state} (number ${queuePosition} in line)`,
    toDurationText(elapsedS),
  ];
  if (activity.commands > 0) parts.push(`${activity.commands} ${activity.commands === 1 ? "command" : "commands"}`);
  const own = repoCommand === null ? null : `${repoCommand.purpose}: ${repoCommand.command}`;
  const now = own ?? activity.lastCommand ?? activity.lastMessage;
  // The agent chose these words: no control characters reach the terminal.
  if (now !== null)
    parts.push(
      now
        .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
        .trim()
        .slice(0, 80),
    );
  return parts.join(" · ");
}
