import { toHelpText, toMistakeText } from "./command-help.ts";
import type { AnswerOptions, Tell } from "./command-call.ts";
import type { CommentCommand } from "./command.ts";
import { answerVerb } from "./answer-verb.ts";
import { addReaction } from "./comment.ts";
import { reply } from "./reply.ts";
import type { RepositorySettings } from "../../repo-settings/settings.ts";
import { startRun } from "./start-run.ts";

/**
 * Carries out a command by a person who may give it, as far as its record goes; resolves with what there is to tell.
 * Rejects when a run is not accepted.
 */
export async function answerCommand(
  command: CommentCommand,
  options: AnswerOptions & { settings: RepositorySettings },
): Promise<Tell> {
  const { call, deps } = options;
  switch (command.kind) {
    case "none":
      return async () => {};
    case "run":
      return startRun(command, options);
    case "help":
      return async () => {
        await addReaction(call.octokit, { place: call.place, content: "eyes", log: call.log });
        const text = toHelpText({ ...deps.limits, settings: options.settings });
        await reply({ kind: "help", text }, { ...options, reaction: "rocket" });
      };
    case "mistake":
      return () => reply({ kind: "mistake", text: toMistakeText(command) }, { ...options, reaction: "confused" });
    case "verb":
      return answerVerb(command, options);
  }
}
