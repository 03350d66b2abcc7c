import { isRunCheck } from "../check-run.ts";
import type { CommandCall } from "../command-call.ts";
import { toStatus } from "../retry.ts";
import type { Cleaner } from "./cleaner.ts";
import { readJobLog } from "./job-log.ts";
import { LIMITS } from "./limits.ts";
import { toAddress, toRequest, type Part, type ReadOptions } from "./part.ts";

/** How a check ends that did not go well. Cancelled and skipped ones say nothing about the change. */
const FAILED = new Set(["failure", "timed_out", "startup_failure", "action_required"]);

type Reading = ReadOptions & { call: CommandCall };

type Failed = {
  name: string;
  verdict: string;
  /** What the check says of itself. */
  summary: string;
  /** The end of its log; null where there is none. */
  log: string | null;
};

/** What failed on the head of a pull request: checks by name, the ends of the logs of GitHub Actions, and commit statuses. */
export const checks: Part = {
  title: "Failed checks of this pull request",
  read: async (call, options) => {
    const { octokit, place } = call;
    const asked = { ...toAddress(call), request: toRequest(options) };
    const { data: pull } = await octokit.rest.pulls.get({ ...asked, pull_number: place.number });
    const [runs, statuses] = await Promise.all([
      octokit.rest.checks.listForRef({ ...asked, ref: pull.head.sha, per_page: 100 }),
      listFailedStatuses(pull.head.sha, { ...options, call }),
    ]);
    const failed = runs.data.check_runs.filter((run) => FAILED.has(run.conclusion ?? "") && !isRunCheck(run));
    const logs = await readLogs(failed, { ...options, call });
    const all = [...failed.map((run) => toFailed(run, { log: logs.get(run.id) ?? null })), ...(statuses ?? [])];
    const missing = statuses === null ? "\n\n(GitHub did not give the commit statuses.)" : "";
    return (cleaner) => `${writeFailed(all, cleaner)}${missing}`;
  },
};

type CheckRun = Awaited<
  ReturnType<CommandCall["octokit"]["rest"]["checks"]["listForRef"]>
>["data"]["check_runs"][number];

function toFailed({ name, conclusion, output }: CheckRun, { log }: { log: string | null }): Failed {
  const summary = [output.title, output.summary].filter((text) => text != null && text !== "").join("\n");
  return { name, verdict: conclusion ?? "failure", summary, log };
}

/** The ends of the logs of the first failed jobs, by their check run, whose number is the job's too. */
async function readLogs(failed: readonly CheckRun[], reading: Reading): Promise<Map<number, string>> {
  const jobs = failed.filter(({ app }) => app?.slug === "github-actions").slice(0, LIMITS.jobs);
  const logs = await Promise.all(jobs.map(async ({ id }) => [id, await readJobLog(id, reading)] as const));
  return new Map(logs);
}

/**
 * Only where the App may see them: its manifest asks for no right to, and on public repositories none is needed. Null when
 * GitHub fails to tell.
 */
async function listFailedStatuses(ref: string, { call, ...options }: Reading): Promise<Failed[] | null> {
  try {
    const asked = { ...toAddress(call), ref, per_page: 100, request: toRequest(options) };
    const { data } = await call.octokit.rest.repos.getCombinedStatusForRef(asked);
    return data.statuses
      .filter(({ state }) => state === "failure" || state === "error")
      .map(({ context, state, description }) => ({
        ...{ name: context, verdict: state, summary: description ?? "", log: null },
      }));
  } catch (error) {
    const status = toStatus(error);
    call.log.info({ status }, "commit statuses could not be read");
    return status === 403 || status === 404 ? [] : null;
  }
}

function writeFailed(failed: readonly Failed[], cleaner: Cleaner): string {
  const texts = failed
    .slice(0, LIMITS.checks)
    .map(({ name, verdict, summary, log }) =>
      [
        `### ${cleaner.prose(name)}: ${verdict.replaceAll("_", " ")}`,
        cleaner.prose(summary.slice(0, LIMITS.checkSummary)),
        cleaner.code(log ?? ""),
      ]
        .filter((text) => text !== "")
        .join("\n\n"),
    );
  const more = failed.length - texts.length;
  return [...texts, ...(more === 0 ? [] : [`(${more} more failed.)`])].join("\n\n");
}
