import type { Logger } from "./logger.ts";
import type { Mask } from "./mask.ts";
import type { RunReporter } from "./run-reporter.ts";
import type { GitHubAccess } from "./publish/github-access.ts";
import type { ProcessIdentity } from "./store/process-identity.ts";
import type { RunStore } from "./store/runs.ts";
import { createGitHubReporter } from "./trigger/github/reporter.ts";

/** What a reporter may need of the composition. */
export type ReporterParts = {
  github: GitHubAccess;
  store: RunStore;
  process: ProcessIdentity;
  mask: Mask;
  log: Logger;
};

/** Runs that came from GitHub are told there; others end in their files alone. */
export function createReporter({ github, store, process, mask, log }: ReporterParts): RunReporter {
  return createGitHubReporter({
    ...toGitHubClients(github),
    comments: {
      reserve: (runId) => store.reserveComment(runId, process),
      note: (runId, commentId) => store.noteComment(runId, commentId),
      mayEdit: async (runId) => {
        const { owner } = await store.takenBy(runId);
        return owner === null || owner === process.id;
      },
    },
    mask,
    log,
  });
}

/** The clients of the GitHub trigger. */
export function toGitHubClients(github: GitHubAccess) {
  return {
    octokitFor: async (installationId: number, repositoryId: number) =>
      github.octokitFor({ installationId, repositoryId }),
    botLogin: () => github.login(),
  };
}
