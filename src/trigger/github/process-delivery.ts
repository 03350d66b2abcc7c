import type { Logger } from "../../logger.ts";
import { toCodeSpan } from "../../text/markdown.ts";
import { passStep } from "../../steps.ts";
import { answerCommand } from "./answer-command.ts";
import { askAuthority, type Judge } from "./authority.ts";
import type { AnswerOptions, Attempt, CommandCall, CommandDesk, Tell } from "./command-call.ts";
import type { Reaction } from "./command-place.ts";
import { addReaction } from "./comment.ts";
import type { GitHubAppDeps, StoredDelivery } from "./deps.ts";
import { parsePayload, type PutLabel } from "./payload.ts";
import { findPeople } from "./person.ts";
import { readCommand } from "./read-command.ts";
import { checkImage } from "../../repo-settings/allowed-image.ts";
import { readSettings } from "./read-settings.ts";
import { findReply, reply } from "./reply.ts";
import { DEFAULT_SETTINGS, SETTINGS_PATH, type ReadSettings } from "../../repo-settings/settings.ts";

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
  const react =
    (content: Reaction): Tell =>
    () =>
      addReaction(octokit, { place, content, log });
  const people = [author, ...(findPeople(created)?.others ?? [])];
  const ask = (): Judge => askAuthority(octokit, { repository: place, people });
  // Most labels mean nothing to us, so nobody is asked about before that is known.
  const asked = created.label === null ? ask() : null;
  const found = await readSettings(octokit, place).catch((error: unknown) => {
    if (options.stopping.aborted || created.label !== null) throw error;
    log.error({ err: error }, "settings could not be read");
    return null;
  });
  if (found === null) return react("confused");
  const read = checkImage(found, options.deps);
  if (created.label !== null && !isTrigger(created.label, read)) return async () => {};
  const judge = asked ?? ask();
  const authority = await judge(read.kind === "read" ? read.settings : DEFAULT_SETTINGS);
  switch (authority.verdict) {
    case "refused":
      log.info({ actorId: author.id, why: authority.why }, "command refused");
      return react("-1");
    case "unknown":
      log.warn({ actorId: author.id, why: authority.why }, "permission could not be checked");
      return react("confused");
    case "allowed":
      passStep("permission-checked");
      return answerAllowed(call, { ...options, read, react });
  }
}

type AnswerAllowedOptions = ProcessOptions & { read: ReadSettings; react: (content: Reaction) => Tell };

/** What comes of a command by somebody who may give it. */
async function answerAllowed(call: CommandCall, { read, react, ...options }: AnswerAllowedOptions): Promise<Tell> {
  try {
    const replied = call.attempt === "resumed" ? await findReply({ call, ...options }) : null;
    if (replied !== null) return replied;
    if (read.kind === "wrong") return () => replyWrong(read.problems, { call, ...options });
    return await answerCommand(readCommand(call.created), { call, settings: read.settings, ...options });
  } catch (error) {
    if (options.stopping.aborted) throw error;
    call.log.error({ err: error }, "command could not be carried out");
    return react("confused");
  }
}

/** Whether the label is the one that starts runs here; GitHub takes the names of labels in any case. */
function isTrigger({ name }: PutLabel, read: ReadSettings): boolean {
  const wanted = read.kind === "read" ? read.settings.label_trigger : read.labelTrigger;
  return wanted?.toLowerCase() === name.toLowerCase();
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
    place: {
      owner: repository.owner,
      repo: repository.name,
      number: issue.number,
      spot: comment.spot,
    },
    octokit: await deps.octokitFor(installationId, repository.id),
    log,
  };
}
