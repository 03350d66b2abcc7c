import type { CommandFailure, Verification } from "../run/verification.ts";
import { toCodeBlock, toCodeSpan } from "../text/markdown.ts";

const MAX_COMMAND = 200;

/** What the repository's own checks came to, one line a command, in Markdown. */
export function toVerifiedText({ commands, passed, failure, rounds }: Verification): string {
  const lines = commands.map((command, at) => {
    if (at < passed) return `- ✅ ${toCommandSpan(command)}`;
    return at === passed && failure !== null
      ? `- ❌ ${toCommandSpan(command)} ${failure.how}`
      : `- ➖ ${toCommandSpan(command)} was not run`;
  });
  return [toRounds({ failure, rounds }), "", ...lines].join("\n");
}

/** What failed in the end, with the last lines of it, in Markdown. */
export function toFailureText({ command, how, lastLines }: CommandFailure): string {
  const printed = lastLines.trim() === "" ? "It printed nothing." : `Its last lines:\n\n${toCodeBlock(lastLines)}`;
  return `**❌ ${toCommandSpan(command)} ${how}.** ${printed}`;
}

function toRounds({ failure, rounds }: Pick<Verification, "failure" | "rounds">): string {
  const went = rounds === 1 ? "once" : `${rounds} times`;
  if (failure !== null && rounds === 0) return "The repository's own checks were run on the change, and failed:";
  if (failure !== null) return `The repository's own checks still fail, though a failure went back to Codex ${went}:`;
  if (rounds === 0) return "The repository's own checks passed on the change:";
  return `The repository's own checks passed on the change, after a failure had gone back to Codex ${went}:`;
}

/** A command of several lines is one line here. */
function toCommandSpan(command: string): string {
  const line = command.replace(/\s+/g, " ");
  return toCodeSpan(line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND - 1)}…` : line);
}
