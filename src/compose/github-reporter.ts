import type { Config } from "../config.ts";
import type { Logger } from "../logger.ts";
import type { Mask } from "../masking/mask.ts";
import type { PageLinks } from "./page-links.ts";
import type { RunReporter } from "../orchestrator/run-reporter.ts";
import type { GitHubAccess } from "../publish/github-access.ts";
import type { ProcessIdentity } from "../store/process-identity.ts";
import type { RunStore } from "../store/runs.ts";
import type { GitHubAppDeps } from "../trigger/github/deps.ts";
import { createGitHubReporter } from "../trigger/github/reporter.ts";

/** What a reporter may need of the composition. */
export type ReporterParts = {
  github: GitHubAccess;
  store: RunStore;
  links: PageLinks | null;
  process: ProcessIdentity;
  config: Pick<Config, "retentionDays">;
  mask: Mask;
  log: Logger;
};

export type ReporterOptions = {
  /** Least time between two edits of a run's comment, in milliseconds. Default 5 s. */
  commentGapMs?: number;
};

/** Runs that came from GitHub are told there; others end in their files alone. */
export function createReporter(
  { github, store, links, process, config, mask, log }: ReporterParts,
  { commentGapMs }: ReporterOptions = {},
): RunReporter {
  return createGitHubReporter({
    ...toGitHubClients(github),
    ...(commentGapMs === undefined ? {} : { minGapMs: commentGapMs }),
    comments: {
      reserve: (runId) => store.reserveComment(runId, process),
      giveBack: (runId) => store.giveCommentBack(runId, process),
      note: (runId, commentId) => store.noteComment(runId, commentId),
      mayEdit: async (runId) => {
        const { owner } = await store.takenBy(runId);
        return owner === null || owner === process.id;
      },
    },
    toPageUrl: (runId) => links?.toUrl(runId) ?? null,
    retentionDays: config.retentionDays,
    mask,
    log,
  });
}

/** The clients of the GitHub trigger. */
export function toGitHubClients(github: GitHubAccess): Pick<GitHubAppDeps, "octokitFor" | "botLogin"> {
  return {
    octokitFor: async (installationId, repositoryId) => github.octokitFor({ installationId, repositoryId }),
    botLogin: () => github.login(),
  };
}
