import { userInfo } from "node:os";
import { toRefusalWords } from "../../budget/start-refusal.ts";
import { checkModelConfig } from "../../config/requirements.ts";
import { ConfigError } from "../../config/config-error.ts";
import type { Config } from "../../config.ts";
import type { NewRun } from "../../orchestrator.ts";
import type { RunReporter } from "../../orchestrator/run-reporter.ts";
import type { RunId } from "../../run/id.ts";
import { SETTINGS_PATH, toRunRules, type RepositorySettings } from "../../repo-settings/settings.ts";
import {
  BranchName,
  Effort,
  MAX_PROMPT_BYTES,
  ModelName,
  RepositoryFolder,
  RunMode,
  type Repository,
} from "../../run/request.ts";
import type { RunResult } from "../../run/result.ts";
import { toDurationText, toOutcomeWords, toUsageText } from "../../run/words.ts";
import { parseDurationS } from "../../text/duration.ts";
import { findRecord } from "./find-record.ts";
import { exitCodes, UsageError, type OpenProduct, type Product, type Terminal } from "./product.ts";
import { createProgressLine } from "./progress-line.ts";
import { parseRepository } from "../../orchestrator/parse-repository.ts";

/** `run`'s options as commander gives them. */
export type RunFlags = {
  repo?: string | undefined;
  mode?: string | undefined;
  base?: string | undefined;
  branch?: string | undefined;
  model?: string | undefined;
  effort?: string | undefined;
  timeout?: string | undefined;
  dir?: string | undefined;
  draft?: boolean | undefined;
  allowProtected?: boolean | undefined;
  json?: boolean | undefined;
};

export type RunCommandOptions = {
  flags: RunFlags;
  config: Config;
  openProduct: OpenProduct;
  terminal: Terminal;
  interrupts: NodeJS.EventEmitter;
};

/** One run from the terminal. Resolves with the exit code. Ctrl-C cancels the run; a second one ends the process. */
export function runFromTerminal(prompt: string, options: RunCommandOptions): Promise<number> {
  const asked = toAsked(prompt, options);
  return carryOutHere(async (product) => {
    const set = await readSettings(product, asked.repository);
    return toNewRun(asked, { ...options, set });
  }, options);
}

/** The same as an earlier run asked for, once more, in the name of the person at the terminal. */
export function retryFromTerminal(id: string, options: RunCommandOptions): Promise<number> {
  return carryOutHere(async (product) => {
    const { runId, result } = await findRecord(product, id);
    const request = await product.store.request(runId);
    if (request === null || result === null) throw new UsageError(`The run ${id} is not over yet: cancel it first.`);
    const { run_id: _id, accepted_at: _at, ...asked } = request;
    // The values of its variables are known no more, and its thread on GitHub hears nothing of what is done here.
    return { ...asked, trigger: toTrigger(), thread: null, env_vars: null };
  }, options);
}

async function carryOutHere(
  toRun: (product: Product) => Promise<NewRun>,
  { flags, config, openProduct, terminal, interrupts }: RunCommandOptions,
): Promise<number> {
  const problems = checkModelConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const line = createProgressLine(terminal.err);
  const reporter: RunReporter = {
    onProgress: (_request, progress) => line.show(progress),
    onFinished: async () => line.end(),
  };
  await using product = await openProduct({ config, reporter, role: "run" });
  const accepted = await product.orchestrator.accept(await toRun(product));
  if (accepted.kind !== "accepted") {
    const { what, hint } = toRefusalWords(accepted);
    throw new UsageError(`${what} ${hint}`);
  }
  const { runId } = accepted;
  terminal.err.write(`run ${runId}\n`);

  await product.orchestrator.start();
  const result = await waitForResult(runId, { product, interrupts });
  terminal.out.write(flags.json === true ? `${JSON.stringify(result, null, 2)}\n` : toResultText(result, config));
  return exitCodes[result.status];
}

function toTrigger(): NewRun["trigger"] {
  return { kind: "terminal", actor: userInfo().username, url: null };
}

type WaitOptions = { product: Awaited<ReturnType<OpenProduct>>; interrupts: NodeJS.EventEmitter };

async function waitForResult(runId: RunId, { product, interrupts }: WaitOptions): Promise<RunResult> {
  const cancel = (): void => void product.orchestrator.cancel(runId);
  interrupts.once("SIGINT", cancel);
  interrupts.once("SIGTERM", cancel);
  try {
    return await product.orchestrator.settled(runId);
  } finally {
    interrupts.off("SIGINT", cancel);
    interrupts.off("SIGTERM", cancel);
  }
}

/** What the terminal asked for; what it left open is absent. Throws `UsageError` naming the option that is wrong. */
function toAsked(prompt: string, { flags, config }: { flags: RunFlags; config: Config }) {
  if (prompt.trim() === "") throw new UsageError("The prompt is empty: say what Codex should do.");
  if (Buffer.byteLength(prompt) > MAX_PROMPT_BYTES)
    throw new UsageError(`The prompt is longer than ${MAX_PROMPT_BYTES} bytes.`);
  const repository = parseRepository(flags.repo ?? ".", { webUrl: config.github.webUrl, folder: process.cwd() });
  if (repository.kind === "unknown") throw new UsageError(`--repo: ${repository.why}.`);
  return {
    repository,
    prompt: prompt.trim(),
    mode: toOption(RunMode, { name: "--mode", value: flags.mode }),
    base: toOption(BranchName, { name: "--base", value: flags.base }),
    branch: toOption(BranchName, { name: "--branch", value: flags.branch }),
    model: toOption(ModelName, { name: "--model", value: flags.model }),
    effort: toOption(Effort, { name: "--effort", value: flags.effort }),
    timeoutS: toTimeoutS(flags.timeout, config),
    dir: toOption(RepositoryFolder, { name: "--dir", value: flags.dir }),
  };
}

/** Reads what the repository sets. Throws `UsageError` naming all that is wrong with it. */
async function readSettings(product: Product, repository: Repository): Promise<RepositorySettings> {
  const read = await product.readSettings(repository);
  if (read.kind === "read") return read.settings;
  const lines = read.problems.map((problem) => `  ${problem}`);
  throw new UsageError([`${SETTINGS_PATH} on the default branch is not valid:`, ...lines].join("\n"));
}

type ToNewRunOptions = { flags: RunFlags; config: Config; set: RepositorySettings };

/** The run that was asked for, by the repository's settings where the terminal left something open. */
function toNewRun(asked: ReturnType<typeof toAsked>, { flags, config, set }: ToNewRunOptions): NewRun {
  const { repository, prompt, branch, dir } = asked;
  const timeout = asked.timeoutS ?? set.timeout ?? config.timeouts.defaultS;
  if (timeout > config.timeouts.maxS)
    throw new UsageError(`timeout of ${SETTINGS_PATH}: ${timeout} s is above MAX_TIMEOUT, ${config.timeouts.maxS} s.`);
  return {
    ...{ trigger: toTrigger(), repository, prompt, branch, dir, timeout, context: null, thread: null },
    mode: asked.mode ?? set.mode ?? "full-auto",
    base: asked.base ?? set.base ?? null,
    model: asked.model ?? set.model ?? config.model.name,
    effort: asked.effort ?? set.effort ?? config.model.effort,
    draft: flags.draft ?? set.draft,
    allow_protected: flags.allowProtected ?? false,
    protected: set.protected,
    instructions: set.instructions ?? null,
    rules: toRunRules(set),
  };
}

type Schema<Value> = {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: Value }
    | { success: false; error: { issues: readonly { message: string; code?: string; values?: readonly unknown[] }[] } };
};

function toOption<Value>(
  schema: Schema<Value>,
  { name, value }: { name: string; value: string | undefined },
): Value | null {
  if (value === undefined) return null;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const problem =
    issue?.values === undefined ? (issue?.message ?? "is not valid") : `must be one of ${issue.values.join(", ")}`;
  throw new UsageError(`${name}: ${JSON.stringify(value)} ${problem}.`);
}

function toTimeoutS(value: string | undefined, { timeouts }: Config): number | null {
  if (value === undefined) return null;
  const seconds = parseDurationS(value);
  if (seconds === null)
    throw new UsageError(`--timeout: ${JSON.stringify(value)} is not a time: give seconds, or 90s, 10m, 1h.`);
  if (seconds > timeouts.maxS) throw new UsageError(`--timeout: ${value} is above MAX_TIMEOUT, ${timeouts.maxS} s.`);
  return seconds;
}

/** The end of a run for people: what happened, what was said, what changed, where to look. */
export function toResultText(result: RunResult, config: Config): string {
  const words = toOutcomeWords(result);
  const lines = [`${result.status}: ${words.headline}`];
  if (result.output.summary !== null)
    lines.push("", result.output.summary.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ""));
  if (result.output.files_changed.length > 0)
    lines.push(
      "",
      "Files changed:",
      ...result.output.files_changed.map((path) => `  ${JSON.stringify(path).slice(1, -1)}`),
    );
  if (result.pull_request !== null) lines.push("", `Pull request: ${result.pull_request.url}`);
  else if (result.branch !== null) lines.push("", `Branch: ${result.branch} (${result.commit ?? ""})`);
  if (words.next !== null) lines.push("", words.next);
  if (result.usage !== null)
    lines.push("", `It took ${toDurationText(result.duration)} and ${toUsageText(result.usage)}.`);
  lines.push("", `Files of the run: ${config.paths.runs}/${result.run_id}`);
  return `${lines.join("\n")}\n`;
}
