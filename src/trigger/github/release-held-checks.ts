import type { ReleasedChecks } from "../../publish/release-commit.ts";
import { RunError } from "../../run/failure.ts";
import { LiveState } from "../../run/state.ts";
import type { RunRecord } from "../../store/runs.ts";
import { isAskedBefore } from "./asked-before.ts";
import type { AnswerOptions } from "./command-call.ts";
import { LONG_RETRY, retryTransient, SINGLE_TRY } from "./retry.ts";
import { toRefusal, type VerbAnswer } from "./verb-answer.ts";

export type ReleaseHeldChecksOptions = AnswerOptions & { runs: readonly RunRecord[] };

/** `/codex ci`: lets the checks run that the repository's settings hold back for what a run pushed last. */
export async function releaseHeldChecks(options: ReleaseHeldChecksOptions): Promise<VerbAnswer> {
  const { runs, deps } = options;
  if (runs.some(({ state }) => LiveState.options.some((living) => living === state)))
    return refuse("A run of this thread is still going on; say it again when that is over.");
  const pushed = await listPushed(options);
  if (pushed.length === 0) return refuse("No run of mine has pushed anything here.");
  const run = await findSeen(pushed, options);
  if (run === null)
    return refuse("What I pushed here was asked for after your comment; look at it, and say it again for that.");
  try {
    const released = await deps.releaseChecks(run.runId);
    return released === null ? refuse("No run of mine has pushed anything here.") : toAnswer(released, options);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return toRefusal(error);
  }
}

/** On a pull request the run that pushed to its branch last, wherever it was asked for; on an issue all that pushed, newest first. */
async function listPushed({ call, deps, runs }: ReleaseHeldChecksOptions): Promise<RunRecord[]> {
  const { repository, issue } = call.created;
  if (issue.kind !== "pull-request") return runs.filter(({ result }) => (result?.commit ?? null) !== null);
  const { owner, repo, number } = call.place;
  const { data } = await retryTransient(
    () => call.octokit.rest.pulls.get({ owner, repo, pull_number: number, request: SINGLE_TRY }),
    LONG_RETRY,
  );
  if (data.head.repo?.id !== data.base.repo.id) return [];
  const { owner: ownerName, name } = repository;
  const place = { repository: { kind: "github", owner: ownerName, name }, branch: data.head.ref } as const;
  const last = await deps.findByBranch(place);
  return last === null ? [] : [last];
}

/** The newest that was asked for before the command: nobody can have looked at what came of a later one. */
async function findSeen(pushed: readonly RunRecord[], options: AnswerOptions): Promise<RunRecord | null> {
  for (const run of pushed) if (await isAskedBefore(run, options)) return run;
  return null;
}

const SQUASH =
  "Before a squash merge, take the words in brackets that skip checks out of the commit message: with them, the checks of the branch it goes to are skipped, too.";

function toAnswer(released: ReleasedChecks, { call }: ReleaseHeldChecksOptions): VerbAnswer {
  const warn = (text: string): string => (released.squash === "skips" ? `${text} ${SQUASH}` : text);
  switch (released.kind) {
    case "released":
      return {
        text: warn("The checks run now: my commit was replaced by the same one without its mark."),
        reaction: "rocket",
      };
    case "overtaken":
      return refuse(
        warn("Somebody pushed on top of my commit, so it stays as it is; checks run for what was pushed since."),
      );
    case "not-held":
      // What an earlier process released for this very command is not held any more.
      return call.attempt === "resumed"
        ? { text: warn("The checks run now."), reaction: "rocket" }
        : refuse(warn("No checks are held here: the last commit of mine runs them."));
  }
}

function refuse(text: string): VerbAnswer {
  return { text, reaction: "confused" };
}
