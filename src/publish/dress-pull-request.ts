import type { Octokit } from "@octokit/rest";
import type { RunId } from "../run/id.ts";
import type { RunRules } from "../run/rules.ts";
import { toCodeSpan } from "../text/markdown.ts";
import { toStatus } from "./github-failure.ts";
import type { RepositoryAddress } from "./pull-request.ts";

export type DressOptions = Pick<RepositoryAddress, "owner" | "repo"> & {
  number: number;
  runId: RunId;
  rules: Pick<RunRules, "labels" | "reviewers">;
};

/**
 * Gives the pull request that this run opened the labels and reviewers that the repository's settings name. What stands
 * already is left alone, so it may be done again at any time. Never rejects: the change is published by then. What GitHub
 * does not accept (a person without access, say) becomes a line at the end of the pull request's text.
 */
export async function dressPullRequest(octokit: Octokit, options: DressOptions): Promise<void> {
  const { owner, repo, number, runId, rules } = options;
  if (rules.labels.length === 0 && rules.reviewers.length === 0) return;
  try {
    const { data: pull } = await octokit.rest.pulls.get({ owner, repo, pull_number: number });
    // Somebody else's, or one that was there before: it is as people want it.
    if (!(pull.body ?? "").includes(runId)) return;
    const labels = await addLabels(octokit, { ...options, standing: pull.labels.map(({ name }) => name) });
    const asked = [
      ...(pull.requested_reviewers ?? []).map(({ login }) => login),
      ...(pull.requested_teams ?? []).map(({ slug }) => `${owner}/${slug}`),
    ];
    const reviewers = await requestReviewers(octokit, { ...options, asked, author: pull.user.login });
    const note = toNote({ labels, reviewers });
    if (note === "" || (pull.body ?? "").includes(note)) return;
    await octokit.rest.pulls.update({ owner, repo, pull_number: number, body: `${pull.body ?? ""}\n\n${note}` });
  } catch {
    // Labels are not worth a run.
  }
}

/** Resolves with those that GitHub did not take. */
async function addLabels(
  octokit: Octokit,
  { owner, repo, number, rules, standing }: DressOptions & { standing: readonly string[] },
): Promise<readonly string[]> {
  const labels = rules.labels.filter((label) => !isAmong(label, standing));
  if (labels.length === 0) return [];
  try {
    await octokit.rest.issues.addLabels({ owner, repo, issue_number: number, labels });
    return [];
  } catch {
    return labels;
  }
}

type ReviewersOptions = DressOptions & { asked: readonly string[]; author: string };

/** Resolves with those that GitHub did not take. It refuses all of a list for one of them, so then each is asked for alone. */
async function requestReviewers(octokit: Octokit, options: ReviewersOptions): Promise<readonly string[]> {
  const { rules, asked, author } = options;
  const missing = rules.reviewers.filter((name) => !isAmong(name, asked));
  const possible = missing.filter((name) => !isAmong(name, [author]));
  const refused = missing.filter((name) => !possible.includes(name));
  if (possible.length === 0 || (await areRequested(octokit, { ...options, names: possible }))) return refused;
  if (possible.length === 1) return missing;
  for (const name of possible) if (!(await areRequested(octokit, { ...options, names: [name] }))) refused.push(name);
  return refused;
}

async function areRequested(
  octokit: Octokit,
  { owner, repo, number, names }: DressOptions & { names: readonly string[] },
): Promise<boolean> {
  const teams = names.filter((name) => name.includes("/")).map((name) => name.slice(name.indexOf("/") + 1));
  const people = names.filter((name) => !name.includes("/"));
  try {
    await octokit.rest.pulls.requestReviewers({
      ...{ owner, repo, pull_number: number },
      ...(people.length === 0 ? {} : { reviewers: people }),
      ...(teams.length === 0 ? {} : { team_reviewers: teams }),
    });
    return true;
  } catch (error) {
    if (toStatus(error) === null) throw error;
    return false;
  }
}

function isAmong(name: string, names: readonly string[]): boolean {
  return names.some((other) => other.toLowerCase() === name.toLowerCase());
}

function toNote({ labels, reviewers }: { labels: readonly string[]; reviewers: readonly string[] }): string {
  const lines = [
    labels.length === 0 ? "" : `Labels of the repository's settings that could not be set: ${toList(labels)}.`,
    reviewers.length === 0
      ? ""
      : `Reviewers of the repository's settings whom GitHub does not let me ask here: ${toList(reviewers)}.`,
  ].filter((line) => line !== "");
  return lines.length === 0 ? "" : ["> [!NOTE]", ...lines.map((line) => `> ${line}`)].join("\n");
}

function toList(names: readonly string[]): string {
  return names.map(toCodeSpan).join(", ");
}
