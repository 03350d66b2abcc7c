import { createPayload, octocat } from "../comment-payload.ts";
import { startApp, type AppHost } from "../app-host.ts";
import type { ApiAnswer } from "../github-api.ts";

const written = Date.parse((createPayload({}) as { comment: { created_at: string } }).comment.created_at);

/** A time by its distance from the command, in seconds. */
export const at = (seconds: number): string => new Date(written + seconds * 1000).toISOString();

export const rita = { id: 9001, login: "rita-read" };
export { octocat };

type When = { made?: number; edited?: number };

/** A comment as GitHub lists it, by default a minute older than the command. */
export const said = (id: number, body: string, { made = -60, edited = made }: When = {}) => ({
  ...{ id, body, user: rita, created_at: at(made), updated_at: at(edited) },
});

const repo = { id: 1296269, default_branch: "main" };
export const HEAD_SHA = "c".repeat(40);
const pull = {
  ...{ number: 42, state: "open", head: { ref: "feature", sha: HEAD_SHA, repo } },
  base: { ref: "main", sha: "d".repeat(40), repo },
};

export type Thread = {
  /** What GitHub answers, by the end of the path; what is not named is an empty list. */
  answers?: Record<string, unknown[] | ApiAnswer | ApiAnswer[]>;
  issueBody?: string;
  body?: string;
};

/** Gives a command in a thread that GitHub describes so; resolves with all that the run's prompt would be made from. */
export async function commandOn(kind: "issue" | "pull", { answers = {}, ...payload }: Thread) {
  using host = await startApp();
  const usual = kind === "pull" ? toPullAnswers() : {};
  for (const [path, answer] of Object.entries({ ...usual, ...answers })) arrange(host, { path, answer });
  await host.comment({ body: "/codex do it", ...payload, ...(kind === "pull" ? { isPullRequest: true } : {}) });
  const { run } = host.runs[0] ?? {};
  return { run, context: run?.context?.body ?? "", calls: host.api.calls };
}

function toPullAnswers(): NonNullable<Thread["answers"]> {
  const asked = { status: 200, body: pull };
  return {
    "/pulls/42": [asked, asked, asked],
    "/issues/42/comments": [],
    "/pulls/42/reviews": [],
    "/pulls/42/comments": [],
    "/pulls/42/files": [],
    [`/commits/${HEAD_SHA}/check-runs`]: { status: 200, body: { total_count: 0, check_runs: [] } },
    [`/commits/${HEAD_SHA}/status`]: { status: 200, body: { state: "success", statuses: [] } },
  };
}

function arrange(host: AppHost, { path, answer }: { path: string; answer: unknown[] | ApiAnswer | ApiAnswer[] }): void {
  const list = Array.isArray(answer) && answer.some(isAnswer) ? answer : [answer];
  for (const one of list) {
    const given = isAnswer(one) ? one : { status: 200, body: one };
    host.api.failures.push({ method: "GET", path: new RegExp(`${path}$`), answer: given });
  }
}

function isAnswer(value: unknown): value is ApiAnswer {
  return typeof value === "object" && value !== null && "status" in value && typeof value.status === "number";
}
