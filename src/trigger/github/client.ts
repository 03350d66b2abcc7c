import type { Octokit } from "@octokit/rest";

/** What this room needs of an Octokit; Probot's fits as well as the plain one. It acts as one installation. */
export type GitHubClient = Pick<Octokit, "rest" | "paginate" | "graphql">;

/** A repository's address, for API calls. */
export type RepositoryAddress = { owner: string; repo: string };
