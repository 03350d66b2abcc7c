import type { Logger } from "../../logger.ts";
import { answerCommand } from "./answer-command.ts";
import type { Attempt, CommandCall, CommandDesk } from "./command-call.ts";
import { parseCommand } from "./command.ts";
import { addReaction } from "./comment.ts";
import type { GitHubAppDeps, StoredDelivery } from "./deps.ts";
import { parsePayload } from "./payload.ts";
import { checkActorPermission } from "./permission.ts";
import { findPeople } from "./person.ts";

export type ProcessOptions = CommandDesk & { attempt: Attempt };

/**
 * Carries out one recorded delivery: asks GitHub whether its people may, then answers the command. Never rejects.
 * Whatever goes wrong is logged and shown as 😕, and the delivery counts as handled: a command is not carried out
 * minutes or days after its person has given up on it. Only the end of the process leaves it for the next one.
 */
export async function processDelivery(delivery: StoredDelivery, options: ProcessOptions): Promise<void> {
  const { deps, attempt } = options;
  const log = deps.log.child({ deliveryId: delivery.deliveryId, comment: delivery.commentKey });
  try {
    const call = await toCall(delivery, { deps, attempt, log });
    if (call !== null) await processCall(call, options);
  } catch (error) {
    log.error({ err: error }, "command could not be carried out");
  }
  try {
    deps.deliveries.markHandled(delivery.deliveryId);
  } catch (error) {
    log.error({ err: error }, "delivery could not be marked as handled");
  }
}

async function processCall(call: CommandCall, options: ProcessOptions): Promise<void> {
  const { octokit, place, created, author, log } = call;
  const decision = await checkActorPermission(octokit, {
    repository: { owner: place.owner, repo: place.repo },
    people: [author, ...(findPeople(created)?.others ?? [])],
  });
  switch (decision.verdict) {
    case "refused":
      log.info({ actorId: author.id, why: decision.why }, "command refused");
      return addReaction(octokit, { place, content: "-1", log });
    case "unknown":
      log.warn({ actorId: author.id, why: decision.why }, "permission could not be checked");
      return addReaction(octokit, { place, content: "confused", log });
    case "allowed":
      try {
        return await answerCommand(parseCommand(created.comment.body), { call, ...options });
      } catch (error) {
        await addReaction(octokit, { place, content: "confused", log });
        throw error;
      }
  }
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
