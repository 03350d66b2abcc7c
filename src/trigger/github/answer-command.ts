import { toHelpText, toMistakeText } from "./command-help.ts";
import type { AnswerOptions } from "./command-call.ts";
import type { CommentCommand } from "./command.ts";
import { addReaction } from "./comment.ts";
import { reply } from "./reply.ts";
import { startRun } from "./start-run.ts";

/** Answers a command by a person who may give it: starts the run, or replies. Rejects when the run is not accepted. */
export async function answerCommand(command: CommentCommand, options: AnswerOptions): Promise<void> {
  const { call, deps } = options;
  switch (command.kind) {
    case "none":
      return;
    case "run":
      return startRun(command, options);
    case "help":
      await addReaction(call.octokit, { place: call.place, content: "eyes", log: call.log });
      return reply({ kind: "help", text: toHelpText(deps.limits) }, { ...options, reaction: "rocket" });
    case "mistake":
      return reply({ kind: "mistake", text: toMistakeText(command) }, { ...options, reaction: "confused" });
    case "verb": {
      const text = `\`/codex ${command.verb}\` is not available yet.`;
      return reply({ kind: "not-yet", text }, { ...options, reaction: "confused" });
    }
  }
}
