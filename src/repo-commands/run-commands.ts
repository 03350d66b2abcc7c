import { createLineSplitter, type Line } from "../codex/split-lines.ts";
import type { CommandPurpose } from "../container/command-spec.ts";
import type { ContainerSpec } from "../container/container-spec.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { startContainer } from "../container/start-container.ts";
import type { ContainerExit } from "../container/supervise.ts";
import type { DiskGuard } from "../container/watch-disk.ts";
import type { Mask } from "../masking/mask.ts";
import { RunError } from "../run/failure.ts";
import type { CommandFailure } from "../run/verification.ts";
import type { RepoCommand } from "../run/progress.ts";
import { toDurationText } from "../run/words.ts";
import type { RunLog } from "../store/run-log.ts";
import { toPlainText } from "../text/plain.ts";
import { createStyleReader } from "../text/styled-text.ts";
import type { CommandScript } from "./command-script.ts";
import { createLastLines } from "./last-lines.ts";

/** What became of commands that were run one after the other; the first that fails is the last that is run. */
export type CommandsEnd =
  { kind: "passed" } | { kind: "failed"; passed: number; failure: CommandFailure } | { kind: "cancelled" };

export type RunCommandsOptions = {
  purpose: CommandPurpose;
  engine: ContainerEngine;
  spec: ContainerSpec;
  script: CommandScript;
  log: Pick<RunLog, "writeLog" | "drained">;
  mask: Mask;
  onCommand(now: RepoCommand | null): void;
  /** How long all of them together may take. */
  timeoutMs: number;
  signals: { cancel: AbortSignal; detach: AbortSignal };
  disk: DiskGuard;
};

/** Longer lines are left out; what matters of a command's output is shorter. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Runs commands of a repository in a container of their own, which is removed afterwards. What they print goes to the run's
 * log as it comes. Rejects when the engine cannot do its part, and with `DetachedError`.
 */
export async function runCommands(commands: readonly string[], options: RunCommandsOptions): Promise<CommandsEnd> {
  const { mask, timeoutMs, onCommand } = options;
  const watch = watchOutput(commands, options);
  const exit = await supervise(watch, options).finally(() => onCommand(null));
  if (exit.reason === "lost")
    throw new RunError("engine-lost", "The Docker engine stopped while commands of the repository ran.");
  if (exit.reason === "cancelled") return { kind: "cancelled" };
  if (exit.reason === "exited" && exit.exitCode === 0) return { kind: "passed" };
  const at = watch.at();
  const passed = Math.max(0, at.number - 1);
  const how = toHow(exit, { ...at, timeoutMs });
  return {
    kind: "failed",
    passed,
    failure: { command: commands[passed] ?? "", how, lastLines: mask.text(at.lastLines) },
  };
}

async function supervise(
  watch: OutputWatch,
  { engine, spec, log, timeoutMs, signals, disk }: RunCommandsOptions,
): Promise<ContainerExit> {
  await using container = await startContainer(engine, { spec });
  const reading = Promise.all([
    drain(container.stdout, { to: watch.push, log }),
    drain(container.stderr, { to: watch.push, log }),
  ]);
  reading.catch(() => {}); // awaited after the container's end
  const exit = await container.supervise({
    ...{ timeoutMs, stallMs: Infinity, lastActivityAt: () => performance.now() },
    ...{ signal: signals.cancel, detach: signals.detach, disk },
  });
  await reading;
  watch.end();
  return exit;
}

type DrainOptions = { to: (chunk: Buffer) => void; log: RunCommandsOptions["log"] };

/** A flood waits for the disk, so that it never piles up in memory. */
async function drain(stream: AsyncIterable<Buffer>, { to, log }: DrainOptions): Promise<void> {
  for await (const chunk of stream) {
    to(chunk);
    await log.drained();
  }
}

type At = { number: number; exitCode: number | null; lastLines: string };
type OutputWatch = { push(chunk: Buffer): void; end(): void; at(): At };

/** Sorts the output: marks say where we are, everything else is what the command at hand prints. */
function watchOutput(
  commands: readonly string[],
  { script, purpose, log, mask, onCommand }: RunCommandsOptions,
): OutputWatch {
  const lastLines = createLastLines({ mask: mask.text });
  let [number, exitCode]: [number, number | null] = [0, null];
  let readLook = createStyleReader();
  const onLine = (line: Line): void => {
    if (line.kind === "too-long") return log.writeLog(`[a line of ${line.bytes} bytes was left out]`);
    const mark = script.readMark(line.text);
    if (mark === null) {
      lastLines.add(line.text);
      const { text, spans } = readLook(line.text);
      return log.writeLog(text, spans);
    }
    ({ number, exitCode } = mark);
    readLook = createStyleReader();
    if (exitCode === null) {
      lastLines.clear();
      onCommand({ purpose, command: mask.text(toPlainText(commands[number - 1] ?? "")) });
      log.writeLog(toPlainText(`[${purpose}] $ ${commands[number - 1] ?? ""}`));
    } else if (exitCode !== 0) log.writeLog(`(exit code ${exitCode})`);
  };
  const splitter = createLineSplitter({ onLine, maxLineBytes: MAX_LINE_BYTES });
  return {
    push: splitter.push,
    end: splitter.end,
    at: () => ({ number: Math.min(Math.max(0, number), commands.length), exitCode, lastLines: lastLines.text() }),
  };
}

function toHow(exit: ContainerExit, { number, exitCode, timeoutMs }: At & { timeoutMs: number }): string {
  switch (exit.reason) {
    case "timeout":
      return `did not end within ${toDurationText(timeoutMs / 1000)}, the time that was left`;
    case "disk-full":
      return "filled the run's share of the disk";
    case "lost":
    case "stalled":
    case "cancelled":
      return "was stopped";
    case "exited":
      if (exit.outOfMemory) return "used more memory than a run may";
      if (number === 0) return "could not be started: the workspace could not be copied for it";
      // A mark that says 0 was not the last word: the container ended with another code.
      return `ended with exit code ${exitCode || exit.exitCode}`;
  }
}
