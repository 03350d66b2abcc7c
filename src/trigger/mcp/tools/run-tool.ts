import { z } from "zod";
import { checkOutputSchema } from "../../../answer/check-output-schema.ts";
import type { NewRun } from "../../../orchestrator.ts";
import { toRunRules, type RepositorySettings } from "../../../repo-settings/settings.ts";
import {
  BranchName,
  Effort,
  MAX_PROMPT_BYTES,
  ModelName,
  RepositoryFolder,
  RunMode,
  RunRequest,
  type Repository,
} from "../../../run/request.ts";
import { type CallContext } from "../call-context.ts";
import { findRepository } from "../repository.ts";
import { RunAnswer } from "../run-answer.ts";
import { readSettings } from "../settings.ts";
import { startRun } from "../start-run.ts";
import { defineTool, type ToolAnswer } from "../tool.ts";

export const Prompt = z
  .string()
  .transform((text) => text.toWellFormed())
  .refine((text) => text.trim() !== "", "must not be empty")
  .refine((text) => Buffer.byteLength(text) <= MAX_PROMPT_BYTES, `must not be longer than ${MAX_PROMPT_BYTES} bytes`);

/** Seconds that a call stays open: under the 60 s after which most clients give up. */
export const Wait = z
  .number()
  .min(0)
  .max(3600)
  .default(50)
  .describe(
    "Seconds to wait for the end of the run before answering with its state. Many clients give up after 60 s, so " +
      "raise it only when yours does not.",
  );

export const Timeout = z.int().min(1).describe("Seconds the run may take, at most this server's MAX_TIMEOUT.");

const Input = z.strictObject({
  prompt: Prompt.describe(
    "What Codex should do, in plain words. It sees the repository, and nothing of this conversation.",
  ),
  mode: RunMode.optional().describe(
    "full-auto: a branch is pushed and a pull request opened (a local repository: the patch). suggest: only the patch. " +
      "ask: an answer in words, nothing is changed. Default: what the repository's settings say, else full-auto.",
  ),
  repo: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe("owner/name on GitHub, an https URL, or a path inside the workspace. Default: the workspace itself."),
  working_dir: RepositoryFolder.optional().describe("Folder inside the repository to work in."),
  timeout: Timeout.optional(),
  env_vars: RunRequest.shape.env_vars
    .unwrap()
    .unwrap()
    .optional()
    .describe("Environment variables for the agent's commands. Their values are masked in all output."),
  base: BranchName.optional().describe("Branch to start from. Default: the repository's default branch."),
  branch: BranchName.optional().describe("Branch to make. A local repository gets a branch only when this is given."),
  model: ModelName.optional().describe("Model for Codex."),
  effort: Effort.optional().describe("How much the model thinks."),
  draft: z.boolean().optional().describe("Open the pull request as a draft."),
  output_schema: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("JSON Schema of the final answer; it then comes back as data, in output.data."),
  wait: Wait,
});

/** `codex_run`: the heart of the server. */
export const runTool = defineTool({
  name: "codex_run",
  title: "Run Codex on a repository",
  description:
    "Lets the OpenAI Codex coding agent work on a repository: a fresh clone in a container of its own, then a pull request " +
    "(or a patch) with what it changed. Waits up to `wait` seconds and answers with the result, or with the state of the run " +
    "and what to call next; the run goes on by itself. The same call repeated before its end was told is the same run.",
  scope: "run",
  input: Input,
  output: RunAnswer,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  run: callRun,
});

async function callRun(args: z.output<typeof Input>, context: CallContext): Promise<ToolAnswer> {
  const { maxTimeoutS } = context.parts.settings;
  if ((args.timeout ?? 0) > maxTimeoutS) return refuseTimeout(args.timeout ?? 0, { maxTimeoutS });
  const { variablesProblem } = context.parts;
  if (args.env_vars !== undefined && variablesProblem !== null)
    return { kind: "refused", why: variablesProblem, hint: "Call again without env_vars." };
  const schemaProblem = args.output_schema === undefined ? null : await checkOutputSchema(args.output_schema);
  if (schemaProblem !== null) return refuseSchema(schemaProblem);
  const found = await findRepository(args.repo, context);
  if (found.kind === "refused") return found;
  const set = await readSettings(found.repository, context);
  if (set.kind === "refused") return set;
  const run = toNewRun(args, { context, repository: found.repository, set: set.settings });
  if (run.timeout > maxTimeoutS) return refuseTimeout(run.timeout, { maxTimeoutS });
  const { wait, ...asked } = args;
  return startRun(run, { tool: "codex_run", args: asked, waitS: wait, context });
}

/** The answer for a run that would take longer than any may; it is refused, not shortened. */
export function refuseTimeout(timeoutS: number, { maxTimeoutS }: { maxTimeoutS: number }): ToolAnswer {
  return {
    kind: "refused",
    why: `timeout: ${timeoutS} s is above this server's MAX_TIMEOUT, ${maxTimeoutS} s.`,
    hint: "Ask for less time, or have the operator raise MAX_TIMEOUT.",
  };
}

function refuseSchema(problem: string): ToolAnswer {
  return { kind: "refused", why: `output_schema: ${problem}`, hint: "Mend the schema, then call again." };
}

function toNewRun(
  args: z.output<typeof Input>,
  { context, repository, set }: { context: CallContext; repository: Repository; set: RepositorySettings },
): NewRun {
  const { settings } = context.parts;
  return {
    trigger: { kind: "mcp", actor: context.principal.name, url: null },
    repository,
    prompt: args.prompt.trim(),
    context: null,
    mode: args.mode ?? set.mode ?? "full-auto",
    base: args.base ?? set.base ?? null,
    branch: args.branch ?? null,
    model: args.model ?? set.model ?? settings.model,
    effort: args.effort ?? set.effort ?? settings.effort,
    timeout: args.timeout ?? set.timeout ?? settings.defaultTimeoutS,
    dir: args.working_dir ?? null,
    draft: args.draft ?? set.draft,
    allow_protected: false,
    protected: set.protected,
    instructions: set.instructions ?? null,
    rules: toRunRules(set),
    thread: null,
    env_vars: args.env_vars ?? null,
    output_schema: args.output_schema ?? null,
  };
}
