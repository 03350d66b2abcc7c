import type { CommandSource } from "../../../run/github-thread.ts";
import type { CommandCall } from "../command-call.ts";

/** Something that was said, as far as time matters. GitHub tells no time of a review's last change. */
export type Said = { id: number; at: string; editedAt: string | null };

export type AsItStood<Item> = {
  /** What had been said when the command was written, and has not been changed since. */
  items: Item[];
  /** How many had been said by then, and were changed since. */
  changed: number;
};

export type AsItStoodOptions = {
  call: CommandCall;
  /** What the list holds: ids of other things may be the same. */
  source: CommandSource;
};

/** Leaves out what was said or changed after the command, and the command itself. */
export function toAsItStood<Item extends Said>(
  said: readonly Item[],
  { call: { created, place }, source }: AsItStoodOptions,
): AsItStood<Item> {
  const until = Date.parse(created.comment.createdAt);
  const isCommand = ({ id }: Item): boolean => place.spot.source === source && id === place.spot.comment_id;
  const before = said.filter((one) => !isCommand(one) && Date.parse(one.at) <= until);
  const items = before.filter(({ editedAt }) => editedAt === null || Date.parse(editedAt) <= until);
  return { items, changed: before.length - items.length };
}

/** What our status comments and replies begin with. */
const OWN_STATUS = /^<!-- codex-(?:orchestrator|run):/;

/** Whether a comment only tells how a run went: what runs came to is in their pull requests and threads. */
export function isRunStatus({ body }: { body?: string | null }): boolean {
  return OWN_STATUS.test(body ?? "");
}
