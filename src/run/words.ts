import { isUnverified, type RunResult, type Usage } from "./result.ts";

/** What people read about a run that is over: what happened, and what to do next when there is something to do. */
export type OutcomeWords = { headline: string; next: string | null };

/** Turns a result into words; the same ones on GitHub, over MCP and in the terminal. Plain text, one sentence each. */
export function toOutcomeWords(result: RunResult): OutcomeWords {
  switch (result.status) {
    case "done":
      return { headline: toDoneHeadline(result), next: toDoneNext(result) };
    case "need_user":
      if (isUnverified(result)) return toUnverifiedWords(result);
      return {
        headline: "Codex needs a decision before it can go on.",
        next: "Answer with `/codex <answer>` on GitHub, or with codex_reply over MCP; it goes on from here.",
      };
    case "error":
      return { headline: result.error?.message ?? "The run failed.", next: result.error?.hint ?? null };
    case "timeout":
      return {
        headline: `The run reached its time limit after ${toDurationText(result.timings.running ?? result.duration)} and was stopped.`,
        next: "Ask for less at once, or give it longer with --timeout; what it had changed is kept as a patch.",
      };
    case "cancelled":
      return toCancelledWords(result);
  }
}

function toUnverifiedWords({ pull_request: opened, branch }: RunResult): OutcomeWords {
  const headline = "The repository's own checks still fail on the change";
  const next = "Say what to do with `/codex <what to do>` on GitHub, or with codex_reply over MCP, or mend it by hand.";
  if (opened !== null) return { headline: `${headline}: pull request #${opened.number} is not ready.`, next };
  if (branch !== null) return { headline: `${headline} on the branch ${branch}.`, next };
  return { headline: `${headline}; the patch is kept, nothing was published.`, next };
}

/** Says how far the run had come, so that nobody has to guess what is left of it. */
function toCancelledWords({ run_id: runId, output, timings }: RunResult): OutcomeWords {
  const count = output.files_changed.length;
  if (count > 0) {
    const files = count === 1 ? "1 file it had changed is" : `${count} files it had changed are`;
    const next = `\`codex-orchestrator runs diff ${runId}\` shows them.`;
    return { headline: `The run was cancelled; the ${files} kept as a patch, nothing was published.`, next };
  }
  if (timings.cloning === null) return { headline: "The run was cancelled before it started.", next: null };
  return { headline: "The run was cancelled; it had changed nothing.", next: null };
}

/** Tokens as people read them: `23,000 tokens in (10,800 cached), 1,000 out`. */
export function toUsageText(usage: Usage): string {
  const counts = [usage.input_tokens, usage.cached_input_tokens, usage.output_tokens];
  const [input, cached, output] = counts.map((count) => count.toLocaleString("en-US"));
  return `${input} tokens in (${cached} cached), ${output} out`;
}

/** Seconds as people say them: `8.3 s`, `5 min`, `2 min 5 s`, `1 h 4 min`. */
export function toDurationText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [large, small] =
    whole < 3600
      ? [`${Math.floor(whole / 60)} min`, `${whole % 60} s`]
      : [`${Math.floor(whole / 3600)} h`, `${Math.floor((whole % 3600) / 60)} min`];
  return small.startsWith("0 ") ? large : `${large} ${small}`;
}

function toDoneHeadline(result: RunResult): string {
  if (result.pull_request !== null) return toPullRequestHeadline(result, result.pull_request.number);
  if (result.mode === "ask") return "Answered; nothing was changed.";
  if (result.output.files_changed.length === 0) return "Nothing needed to change.";
  if (result.branch !== null)
    return isContinued(result) ? `Went on with the branch ${result.branch}.` : `Made the branch ${result.branch}.`;
  const count = result.output.files_changed.length;
  return `Changed ${count} ${count === 1 ? "file" : "files"}; the patch is kept, nothing was published.`;
}

/** A run that began on the branch it pushed to added to what was there. */
function isContinued({ branch, base }: RunResult): boolean {
  return branch !== null && base?.ref === branch;
}

function toPullRequestHeadline(result: RunResult, number: number): string {
  return isContinued(result) ? `Pushed a commit to pull request #${number}.` : `Opened pull request #${number}.`;
}

function toDoneNext(result: RunResult): string | null {
  if (result.output.files_changed.length === 0 || result.branch !== null || result.pull_request !== null) return null;
  return `Publish it with \`codex-orchestrator runs publish ${result.run_id}\`.`;
}

/** What is said where text that people cannot see was left out of a prompt; null when there was none. */
export function toHiddenText(hidden: number): string | null {
  if (hidden === 0) return null;
  return hidden === 1 ? "1 hidden piece of text was left out." : `${hidden} hidden pieces of text were left out.`;
}
