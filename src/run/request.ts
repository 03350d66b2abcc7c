import { z } from "zod";
import { EnvVars } from "./env-vars.ts";
import { GitHubThread } from "./github-thread.ts";
import { RunId } from "./id.ts";
import { NO_RULES, RunRules } from "./rules.ts";

/** What may change: `full-auto` publishes, `suggest` keeps a patch, `ask` mounts the workspace read-only. */
export const RunMode = z.enum(["full-auto", "suggest", "ask"]);
export type RunMode = z.infer<typeof RunMode>;

export const Effort = z.enum(["low", "medium", "high", "xhigh"]);
export type Effort = z.infer<typeof Effort>;

/** The longest prompt, in bytes of UTF-8 (a comment of 65,536 four-byte characters fits). */
export const MAX_PROMPT_BYTES = 256 * 1024;

/** The most pictures that go with a prompt. */
export const MAX_PICTURES = 5;

/** A GitHub owner: letters, digits, single hyphens; at most 39 characters. Enterprise accounts add an underscore. */
const OwnerName = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$/);
/** A GitHub repository name. */
const RepositoryName = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/);

/** Which repository, and how it is reached. */
export const Repository = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("github"), owner: OwnerName, name: RepositoryName }),
  z.object({ kind: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
  z.object({ kind: z.literal("local"), path: z.string().startsWith("/") }),
]);
export type Repository = z.infer<typeof Repository>;

/** The repository as people write it: `owner/name`, the URL, or the path. */
export function toRepositoryName(repository: Repository): string {
  switch (repository.kind) {
    case "github":
      return `${repository.owner}/${repository.name}`;
    case "url":
      return repository.url;
    case "local":
      return repository.path;
  }
}

/**
 * A branch name that is safe in every git call: the rules of git-check-ref-format, and none that begin with `-` or look
 * like a revision (`HEAD`, `@{-1}`).
 */
export const BranchName = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (name) =>
      /^(?![-./])[^\u0000-\u0020\u007f~^:?*[\\]+$/.test(name) &&
      !/\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(name) &&
      !name.startsWith("refs/") &&
      name !== "HEAD" &&
      name !== "@",
    "is not a valid branch name",
  );

/** A model's name as it may stand in Codex's configuration. */
export const ModelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$/, "is not a valid model name");

/** A folder inside the repository: relative, without `..`. */
export const RepositoryFolder = z
  .string()
  .max(1024)
  .refine(
    (folder) => !folder.startsWith("/") && !folder.split("/").includes("..") && !/[\u0000-\u001f]/.test(folder),
    "must be a relative path inside the repository",
  );

export const TriggerKind = z.enum(["github", "mcp", "terminal"]);
export type TriggerKind = z.infer<typeof TriggerKind>;

/**
 * The earlier run whose Codex thread this one goes on with, and what of its changes it begins with: `pushed`, the branch that
 * holds them (`base`); `kept`, its patch, on the commit `base_sha` that it was made against; `none`, nothing.
 */
export const Resume = z.object({
  run_id: RunId,
  thread_id: z.uuid(),
  changes: z.enum(["pushed", "kept", "none"]),
  /** The branch that the first run of the thread started from: a pull request goes there. */
  base_ref: BranchName.nullable(),
  base_sha: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .nullable(),
});
export type Resume = z.infer<typeof Resume>;

/** What a run is for: to work on the repository, or to review a pull request of it (in mode `ask`). */
export const RunPurpose = z.enum(["work", "review"]);
export type RunPurpose = z.infer<typeof RunPurpose>;

/** The pull request that a run is about, as it stood when the run was asked for. */
export const RunPull = z.object({
  number: z.int().positive(),
  head_sha: z.string().regex(/^[0-9a-f]{40}$/),
  base_sha: z.string().regex(/^[0-9a-f]{40}$/),
  /** `fork`: its head is in another repository, so that it can be read (`refs/pull/<number>/head`) and never pushed to. */
  head: z.enum(["same-repository", "fork"]),
});
export type RunPull = z.infer<typeof RunPull>;

/**
 * Everything a run is made from; `request.json`. Written before anything else happens, never changed afterwards.
 * Times are ISO 8601 in UTC, `timeout` is in seconds.
 */
export const RunRequest = z.object({
  run_id: RunId,
  accepted_at: z.iso.datetime(),
  trigger: z.object({ kind: TriggerKind, actor: z.string().nullable(), url: z.string().nullable() }),
  repository: Repository,
  /** The person's own words, the only text that counts as instruction. */
  prompt: z.string().min(1),
  /** Title and text of the thread: data of strangers, already cleaned of hidden content. */
  context: z.object({ title: z.string(), body: z.string() }).nullable(),
  /** How many pieces of text that people cannot see were taken out of prompt and context. */
  hidden: z.int().min(0).default(0),
  /** Addresses of pictures in them, in the order that the text numbers them; whoever executes the run fetches them. */
  images: z
    .array(z.url({ protocol: /^https?$/ }))
    .max(MAX_PICTURES)
    .default([]),
  mode: RunMode,
  base: BranchName.nullable(),
  /** The repository's default branch, where whoever asked knew it. */
  default_branch: BranchName.nullable().default(null),
  branch: BranchName.nullable(),
  model: ModelName.nullable(),
  effort: Effort.nullable(),
  timeout: z.int().positive(),
  dir: RepositoryFolder.nullable(),
  draft: z.boolean(),
  allow_protected: z.boolean(),
  thread: GitHubThread.nullable(),
  /** The repository's own words for every prompt, from its default branch. */
  instructions: z.string().nullable().default(null),
  /** Globs of files that are held besides those that always are. */
  protected: z.array(z.string()).default([]),
  /**
   * Variables of the agent's commands. Only who executes the run gets their values; everywhere else, and for good once the
   * run is closed, `***` stands for each, so that nothing that comes later, a reply or a publish, has them any more.
   */
  env_vars: EnvVars.nullable().default(null),
  /** JSON Schema of the agent's final answer. */
  output_schema: z.record(z.string(), z.unknown()).nullable().default(null),
  resume: Resume.nullable().default(null),
  purpose: RunPurpose.default("work"),
  pull: RunPull.nullable().default(null),
  rules: RunRules.default(NO_RULES),
});
export type RunRequest = z.infer<typeof RunRequest>;
