import type { RunRequest } from "../run/request.ts";

/**
 * Whom a run counts for: an account of GitHub by its number, since names change hands; a token of MCP, or a user of this
 * machine, by name. Null when nobody is known.
 */
export function toPerson({ trigger, thread }: Pick<RunRequest, "trigger" | "thread">): string | null {
  const who = trigger.kind === "github" ? thread?.actor_id : trigger.actor;
  return who === undefined || who === null ? null : `${trigger.kind}:${who}`;
}
