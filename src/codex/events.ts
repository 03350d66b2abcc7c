import type { AgentReport } from "../run/outcome.ts";
import type { Activity } from "../run/progress.ts";
import { toPlainLine } from "../text/plain.ts";
import { createStyleReader, type StyledSpan, type StyledText } from "../text/styled-text.ts";
import { createActivityTracker } from "./activity.ts";
import { parseEvent, type CodexEvent } from "./event.ts";
import { createLogWriter } from "./log-words.ts";
import { maskEvent } from "./mask-event.ts";
import { createLineSplitter, type Line } from "./split-lines.ts";
import { toErrorWords } from "./short-forms.ts";

/** What Codex is doing now. */
export type CodexActivity = Activity;

/** What Codex's events came to. Advice: any process in the container can print lines that look like them. */
export type CodexReport = AgentReport;

export type EventReader = {
  /** More of Codex's standard output, cut anywhere. */
  push(chunk: Buffer): void;
  /** More of its standard error: words for the log, never events. */
  pushError(chunk: Buffer): void;
  /** Reads a last line without line break, and says what it all came to. */
  end(): CodexReport;
};

export type EventReaderOptions = {
  onActivity?: (activity: CodexActivity) => void;
  /** Each event as it came, one line of JSON without its line break. What is no event does not come here. */
  onEventLine?: (line: string) => void;
  /** The same for people; one entry, perhaps of several lines, without terminal sequences, and how its pieces look. */
  onLogLine?: (entry: string, spans: readonly StyledSpan[]) => void;
  /** Hides secrets in what is told while the agent works, and in why it failed. The final message comes as it was said. */
  mask?: (text: string) => string;
  /** Longer lines are left out, and that is said. Default 4 MiB: Codex's longest are a bit over 1 MiB. */
  maxLineBytes?: number;
};

const MAX_LINE_BYTES = 4 * 1024 * 1024;

/**
 * Makes a reader of `codex exec --json`. It takes any bytes, never throws for them, and holds one line at most. Whether a
 * run succeeded is decided elsewhere, from facts; here stands only what was said.
 */
export function createEventReader(options: EventReaderOptions): EventReader {
  const { onActivity, onEventLine, onLogLine, mask = (text) => text, maxLineBytes = MAX_LINE_BYTES } = options;
  const collector = createReportCollector({ mask });
  const activity = createActivityTracker();
  const log = createLogWriter();

  const logEntry = ({ text, spans }: StyledText): void => onLogLine?.(text, spans);
  const logText = (text: string): void => logEntry(createStyleReader()(text));
  const onLine = (line: Line): void => {
    if (line.kind === "too-long") {
      onEventLine?.(JSON.stringify({ type: "orchestrator.line_left_out", bytes: line.bytes }));
      return logText(toTooLong(line, { mask }));
    }
    const event = parseEvent(line.text);
    if (event === null) return logText(line.text);
    onEventLine?.(line.text);
    collector.add(event);
    const shown = maskEvent(event, { mask });
    const entry = log.toEntry(shown);
    if (entry !== null) logEntry(entry);
    const now = activity.update(shown);
    if (now !== null) onActivity?.(now);
  };
  const onErrorLine = (line: Line): void => {
    if (line.kind === "too-long") logText(toTooLong(line, { mask }));
    // Codex says this whenever its prompt comes on stdin.
    else if (line.text !== "Reading additional input from stdin...") logText(line.text);
  };

  const output = createLineSplitter({ onLine, maxLineBytes });
  const errors = createLineSplitter({ onLine: onErrorLine, maxLineBytes });
  return {
    push: (chunk) => output.push(chunk),
    pushError: (chunk) => errors.push(chunk),
    end() {
      output.end();
      errors.end();
      return collector.report();
    },
  };
}

type MaskOptions = { mask: (text: string) => string };

function toTooLong({ start, bytes }: Extract<Line, { kind: "too-long" }>, { mask }: MaskOptions): string {
  return `[a line of ${bytes} bytes was left out; it began: ${toPlainLine(mask(start), { maxLength: 100 })}]`;
}

type ReportCollector = { add(event: CodexEvent): void; report(): CodexReport };

const MAX_FAILURE_LENGTH = 500;

/**
 * Collects the report. The final message is the last one of the last turn; one that comes after the turn's end is none.
 * An `error` event is not an end: Codex sends one for every time it tries again. A turn that failed stays failed.
 */
function createReportCollector({ mask }: { mask: (text: string) => string }): ReportCollector {
  let threadId: string | null = null;
  let turn: CodexReport["turn"] = "none";
  let failureMessage: string | null = null;
  let lastError: string | null = null;
  let finalMessage: string | null = null;

  const add = (event: CodexEvent): void => {
    switch (event.type) {
      case "thread.started":
        threadId ??= event.thread_id;
        return;
      case "turn.started":
        turn = "none";
        failureMessage = null;
        finalMessage = null;
        return;
      case "item.completed":
        if (event.item.type === "agent_message" && turn === "none") finalMessage = event.item.text.toWellFormed();
        return;
      case "turn.completed":
        if (turn === "none") turn = "completed";
        return;
      case "turn.failed":
        turn = "failed";
        failureMessage ??= toFailure(mask(event.error.message));
        return;
      case "error":
        if (!event.message.startsWith("Reconnecting...")) lastError = toFailure(mask(event.message));
        return;
      case "item.started":
      case "item.updated":
      case "other":
    }
  };
  return {
    add,
    report: () => ({
      threadId,
      turn,
      failureMessage: turn === "completed" ? null : (failureMessage ?? lastError),
      finalMessage,
    }),
  };
}

function toFailure(message: string): string | null {
  const line = toPlainLine(toErrorWords(message), { maxLength: MAX_FAILURE_LENGTH });
  return line === "" ? null : line;
}
