import { z } from "zod";

/** A command of a repository's own, run by a shell in a container. */
export const ShellCommand = z.string().trim().min(1).max(2_000);

/** The name of a host as it may stand behind CONNECT: exact, no wildcards, no address, no port. */
export const HostName = z
  .string()
  .max(253)
  .regex(
    /^(?!.*\.(?:\d+|0x[0-9a-f]*)$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i,
    "must be the exact name of a host, such as packages.example.com",
  )
  .transform((name) => name.toLowerCase());

/** A name for branches: text with `{run}`, and where wanted `{issue}` and `{slug}`. */
export const BranchPattern = z
  .string()
  .max(100)
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._/-]|\{(?:issue|slug|run)\})*$/,
    "takes letters, digits, . _ / - and {issue}, {slug}, {run}",
  )
  .refine((pattern) => pattern.includes("{run}"), "must hold {run}, so that no two runs get the same branch");

/** A person (`octocat`) or a team of the repository's organisation (`octo-org/reviewers`). */
export const PersonOrTeam = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})(?:\/[A-Za-z0-9._-]{1,100})?$/,
    "must be a login, or a team as organisation/team",
  );

/** What people read of a setting: its default as the README writes it, and what it means, both in Markdown. */
export const about = (shown: string, description: string) => ({ shown, description });

/**
 * What the repository's settings say about how its runs are made and published. Read from the default branch when the run was
 * asked for; part of the request, so that what is executed, retried or published later follows the same rules.
 */
export const RunRules = z.object({
  labels: z.array(z.string().min(1).max(50)).max(20).default([]).meta(about("none", "Labels of the pull request.")),
  reviewers: z
    .array(PersonOrTeam)
    .max(15)
    .default([])
    .meta(about("none", "Who is asked to review the pull request: logins, and teams as `organisation/team`.")),
  setup: z
    .array(ShellCommand)
    .max(20)
    .default([])
    .meta(
      about(
        "none",
        "Commands before the agent, which may reach the hosts of `egress` and see neither model nor prompt.",
      ),
    ),
  verify: z
    .array(ShellCommand)
    .max(20)
    .default([])
    .meta(about("none", "Commands after the agent, without network; what fails goes back to it.")),
  verify_rounds: z
    .int()
    .min(0)
    .max(5)
    .default(2)
    .meta(about("`2`", "How often a failure of `verify` goes back to the agent.")),
  egress: z
    .array(HostName)
    .max(50)
    .default([])
    .meta(about("none", "Hosts that commands may reach by https, besides `EGRESS_ALLOW`: exact names.")),
  /** null: the default. */
  branch: BranchPattern.nullable().default(null),
  /** null: the operator's. */
  image: z.string().min(1).max(500).nullable().default(null),
  ci: z
    .enum(["run", "hold"])
    .default("run")
    .meta(about("`run`", "`hold`: no checks run on the pull request until a writer says so.")),
});
export type RunRules = z.infer<typeof RunRules>;

/** The rules of a repository that sets none. */
export const NO_RULES: RunRules = RunRules.parse({});
