import { CommandOptions } from "./command-options.ts";
import { parseCommand, type CommentCommand } from "./command.ts";
import type { CommentCreated } from "./payload.ts";

/**
 * What is asked for where people write: a text is read by the grammar of commands; a label asks for a run whose prompt is the
 * issue's title and text, as they are, without options. A label that the author chose while opening the issue says nothing
 * more when the text is a command itself. Whether the label is one that starts runs is not looked at here.
 */
export function readCommand({ comment, issue, label }: CommentCreated): CommentCommand {
  if (label === null) return parseCommand(comment.body);
  if (label.when === "own-opening" && parseCommand(comment.body).kind !== "none") return { kind: "none" };
  const prompt = `${issue.title}\n\n${comment.body}`.trim();
  return { kind: "run", options: CommandOptions.parse({}), prompt };
}
