import type { CommentCreated } from "./payload.ts";
import type { Account } from "./payload-fields.ts";

/** One person behind a command, by the numeric id that a rename does not change. */
export type Person = { id: number; login: string };

/**
 * The people behind a comment: its author, and the sender of the event where that is somebody else. Null when one of
 * them is no person: a deleted account, a bot, an App (ourselves, too).
 */
export function findPeople({ comment, sender }: CommentCreated): { author: Person; others: Person[] } | null {
  const author = toPerson(comment.author);
  const from = toPerson(sender);
  if (author === null || from === null) return null;
  return { author, others: author.id === from.id ? [] : [from] };
}

function toPerson(account: Account | null): Person | null {
  return account?.type === "User" ? { id: account.id, login: account.login } : null;
}
