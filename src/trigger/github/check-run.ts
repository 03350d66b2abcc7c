import type { Logger } from "../../logger.ts";
import { RunId } from "../../run/id.ts";
import type { RunResult } from "../../run/result.ts";
import type { FinalStatus } from "../../run/state.ts";
import { toOutcomeWords } from "../../run/words.ts";
import { toPlainLine } from "../../text/plain.ts";
import type { GitHubClient, RepositoryAddress } from "./client.ts";
import { throwReportError } from "./comment-writer.ts";
import { isTransient, LONG_RETRY, retryTransient, SHORT_RETRY, SINGLE_TRY, toStatus, type RetryPlan } from "./retry.ts";

export type CheckRunOptions = {
  octokit: () => Promise<GitHubClient>;
  repository: RepositoryAddress;
  runId: RunId;
  /** The pull request's head when the run was asked for. */
  headSha: string;
  /** Where people read more; null when nowhere. */
  detailsUrl: string | null;
  log: Logger;
};

/** What a pull request shows of a run among its checks. Nothing that GitHub refuses is more than a line in the log. */
export type CheckRun = {
  /** Shows once that the run is going on. */
  begin(): void;
  /** Shows how the run ended, on the head it was asked for and on the commit it pushed; may be done again. Rejects with `ReportError` when it may be accepted later. */
  finish(result: RunResult, options: { text: string }): Promise<void>;
};

const NAME = "Codex";

/** Whether a check run is one that tells of a run of ours. */
export function isRunCheck({ name, external_id: id }: { name: string; external_id: string | null }): boolean {
  return name === NAME && RunId.safeParse(id).success;
}

/** Less than GitHub takes, which is 65,535 characters. */
const MAX_SUMMARY = 65_000;
const MAX_TITLE = 200;

const CONCLUSIONS = {
  done: "success",
  need_user: "action_required",
  error: "failure",
  timeout: "timed_out",
  cancelled: "cancelled",
} as const satisfies Record<FinalStatus, string>;

type Fields =
  | { status: "in_progress" }
  | { conclusion: (typeof CONCLUSIONS)[FinalStatus]; output: { title: string; summary: string } };

/**
 * The check run of a run. It is known by the run's id wherever it stands, so that processes that come one after the other
 * write to the same one.
 */
export function createCheckRun(options: CheckRunOptions): CheckRun {
  const { headSha, log } = options;
  const begun = new Map<string, number>();
  let last: Promise<void> | null = null;
  const show = async (sha: string, { fields, retry }: { fields: Fields; retry: RetryPlan }): Promise<void> => {
    const id = await retryTransient(() => write(fields, { ...options, sha, id: begun.get(sha) ?? null }), retry);
    begun.set(sha, id);
  };
  const logRefusal = (error: unknown): void => log.warn({ status: toStatus(error) }, "check run was not accepted");
  /** One that is never ended would keep its pull request from being merged. */
  const end = (sha: string, fields: Fields): Promise<void> =>
    show(sha, { fields, retry: LONG_RETRY }).catch((error: unknown) => {
      if (isTransient(error)) throwReportError(error);
      logRefusal(error);
    });
  return {
    begin: () =>
      void (last ??= show(headSha, { fields: { status: "in_progress" }, retry: SHORT_RETRY }).catch(logRefusal)),
    finish: async (result, { text }) => {
      await last;
      const fields: Fields = {
        conclusion: CONCLUSIONS[result.status],
        output: {
          title: toPlainLine(toOutcomeWords(result).headline, { maxLength: MAX_TITLE }),
          summary: text.slice(0, MAX_SUMMARY),
        },
      };
      await end(headSha, fields);
      if (result.commit !== null && result.commit !== headSha) await end(result.commit, fields);
    },
  };
}

type WriteOptions = CheckRunOptions & { sha: string; id: number | null };

/** Writes to the check run that stands there, or makes it; resolves with its id. */
async function write(fields: Fields, options: WriteOptions): Promise<number> {
  const { repository, sha, runId, detailsUrl } = options;
  const details = detailsUrl === null ? {} : { details_url: detailsUrl };
  const octokit = await options.octokit();
  const found = options.id === null ? await findCheck(octokit, options) : { id: options.id, isOver: false };
  const { checks } = octokit.rest;
  if (found !== null) {
    // One that was long frozen must not open it again.
    if (!("conclusion" in fields) && found.isOver) return found.id;
    await checks.update({ ...repository, check_run_id: found.id, ...details, ...fields, request: SINGLE_TRY });
    return found.id;
  }
  const { data } = await checks.create({
    ...{ ...repository, name: NAME, head_sha: sha, external_id: runId },
    ...{ ...details, ...fields },
    request: SINGLE_TRY,
  });
  return data.id;
}

async function findCheck(
  octokit: GitHubClient,
  { repository, sha, runId }: WriteOptions,
): Promise<{ id: number; isOver: boolean } | null> {
  // By default only the newest of each name is listed, which may be another run's.
  const found = await octokit.paginate(octokit.rest.checks.listForRef, {
    ...{ ...repository, ref: sha, check_name: NAME, filter: "all", per_page: 100 },
    request: SINGLE_TRY,
  });
  const own = found.find(({ external_id: id }) => id === runId);
  return own === undefined ? null : { id: own.id, isOver: own.status === "completed" };
}
