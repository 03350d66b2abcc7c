import type { Logger } from "../../logger.ts";
import { toCodeSpan } from "../../text/markdown.ts";
import { passStep } from "../../steps.ts";
import { answerCommand } from "./answer-command.ts";
import type { AnswerOptions, Attempt, CommandCall, CommandDesk, Tell } from "./command-call.ts";
import { parseCommand } from "./command.ts";
import { addReaction, type Reaction } from "./comment.ts";
import type { GitHubAppDeps, StoredDelivery } from "./deps.ts";
import { parsePayload } from "./payload.ts";
import { checkActorPermission } from "./permission.ts";
import { findPeople } from "./person.ts";
import { readSettings, SETTINGS_PATH } from "./read-settings.ts";
import { findReply, reply } from "./reply.ts";
import { isPermitted } from "./settings.ts";
import { LONG_RETRY } from "./retry.ts";

export type ProcessOptions = CommandDesk & { attempt: Attempt };

/**
 * Settles what becomes of one recorded delivery: asks GitHub whether its people may, then carries out the command.
 * Resolves with what is left to do, which is to tell its person; after that the delivery counts as handled. Neither
 * ever rejects. Whatever goes wrong is logged and shown as 😕: a command is not carried out minutes or days after its
 * person has given up on it. Only the end of the process leaves it, as it is, for the next one.
 */
export async function processDelivery(delivery: StoredDelivery, options: ProcessOptions): Promise<Tell> {
  const { deps, attempt, stopping } = options;
  const log = deps.log.child({ deliveryId: delivery.deliveryId, comment: delivery.commentKey });
  // Said here and not when it arrived: in a burst of deliveries a thousand lines are a part of the answers' time.
  log.info({ attempt }, "command received");
  const logFailure = (error: unknown): void => log.error({ err: error }, "command could not be carried out");
  let tell: Tell | null = null;
  try {
    const call = await toCall(delivery, { deps, attempt, log });
    if (call !== null) tell = await processCall(call, options);
  } catch (error) {
    if (stopping.aborted) return async () => {};
    logFailure(error);
  }
  return async () => {
    await tell?.().catch(logFailure);
    if (stopping.aborted) return;
    try {
      deps.deliveries.markHandled(delivery.deliveryId);
    } catch (error) {
      log.error({ err: error }, "delivery could not be marked as handled");
    }
  };
}

async function processCall(call: CommandCall, options: ProcessOptions): Promise<Tell> {
  const { octokit, place, created, author, log } = call;
  const decision = await checkActorPermission(octokit, {
    repository: { owner: place.owner, repo: place.repo },
    people: [author, ...(findPeople(created)?.others ?? [])],
    retry: LONG_RETRY,
  });
  const react =
    (content: Reaction): Tell =>
    () =>
      addReaction(octokit, { place, content, log });
  switch (decision.verdict) {
    case "refused":
      log.info({ actorId: author.id, why: decision.why }, "command refused");
      return react("-1");
    case "unknown":
      log.warn({ actorId: author.id, why: decision.why }, "permission could not be checked");
      return react("confused");
    case "allowed":
      passStep("permission-checked");
      try {
        const replied = call.attempt === "resumed" ? await findReply({ call, ...options }) : null;
        if (replied !== null) return replied;
        const read = await readSettings(call);
        if (read.kind === "wrong") return () => replyWrong(read.problems, { call, ...options });
        const { settings } = read;
        if (!isPermitted(decision.permission, { least: settings.permission })) return react("-1");
        return await answerCommand(parseCommand(created.comment.body), { call, settings, ...options });
      } catch (error) {
        if (options.stopping.aborted) throw error;
        log.error({ err: error }, "command could not be carried out");
        return react("confused");
      }
  }
}

/** Names everything that is wrong with the settings; nothing is done before they are mended. */
function replyWrong(problems: readonly string[], options: AnswerOptions): Promise<void> {
  const lines = problems.map((problem) => `- ${toCodeSpan(problem)}`);
  const text = [
    `I did not do anything: ${toCodeSpan(SETTINGS_PATH)} on the default branch is not valid.`,
    lines.join("\n"),
  ];
  return reply({ kind: "settings", text: text.join("\n\n") }, { ...options, reaction: "confused" });
}

type ToCallOptions = { deps: GitHubAppDeps; attempt: Attempt; log: Logger };

async function toCall(delivery: StoredDelivery, { deps, attempt, log }: ToCallOptions): Promise<CommandCall | null> {
  const parsed = parsePayload(JSON.parse(delivery.payload), delivery);
  if (parsed.kind !== "comment") return null;
  const { installationId, repository, issue, comment } = parsed.comment;
  const people = findPeople(parsed.comment);
  if (people === null || installationId === null) return null;
  return {
    deliveryId: delivery.deliveryId,
    attempt,
    created: parsed.comment,
    installationId,
    author: people.author,
    place: { owner: repository.owner, repo: repository.name, number: issue.number, commentId: comment.id },
    octokit: await deps.octokitFor(installationId, repository.id),
    log,
  };
}
