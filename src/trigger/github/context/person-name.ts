import type { CommandCall } from "../command-call.ts";

export type Speaker = { id: number; login: string } | null | undefined;

/**
 * Somebody's name, and whether it is certain that they may write to the repository: that was asked about the person who gave
 * the command, and about nobody else.
 */
export function toPersonName(speaker: Speaker, { author }: CommandCall): string {
  if (speaker == null) return "somebody";
  return speaker.id === author.id ? `${speaker.login} (who gave the request, may write here)` : speaker.login;
}
