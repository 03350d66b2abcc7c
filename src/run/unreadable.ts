import { toRunFailure, type RunFailure } from "./failure.ts";

/** How a run fails of which the record cannot be read any more. */
export function toUnreadableFailure(): RunFailure {
  return toRunFailure("internal", {
    message: "The record of the run cannot be read: it is damaged, or a newer version has written it.",
    hint: "Ask again. The server's log names what cannot be read; `codex-orchestrator doctor` looks whether the database is whole.",
  });
}
