import { toCommandKey } from "../run/github-thread.ts";
import { toRepositoryName, type Repository, type RunRequest } from "../run/request.ts";

/** The repository as the queue tells it from others: on GitHub `Owner/Name` and `owner/name` are one. */
export function toLine(repository: Repository): string {
  const name = toRepositoryName(repository);
  return repository.kind === "github" ? name.toLowerCase() : name;
}

/**
 * Runs of one lane are executed one after the other, in the order they were accepted: those that write to one branch, those
 * that go on with one Codex thread, and those of one thread on GitHub. Null: the run shares its lane with no other.
 */
export function toLane(request: RunRequest): string | null {
  if (request.mode === "ask") return null;
  const line = toLine(request.repository);
  if (request.branch !== null) return `${line}#${request.branch}`;
  if (request.resume !== null) return `${line}#codex-thread/${request.resume.thread_id}`;
  return request.thread === null ? null : `${line}#thread/${request.thread.number}`;
}

/** The command on GitHub that a run came from: a second run for it is never made. Null elsewhere. */
export function toCommentKey({ trigger, thread }: RunRequest): string | null {
  return trigger.kind === "github" && thread !== null ? toCommandKey(thread) : null;
}
