import { NO_ACTIVITY } from "../../src/run/progress.ts";
import type { RunId } from "../../src/run/id.ts";
import type { PagesWorld } from "../web/pages-world.ts";

/** Text that would do something if it were taken for markup or for a terminal's commands. */
export const HOSTILE = `</pre></span>"'><script>document.title="owned"</script><img src=x onerror="document.title='owned'">\u001b]0;owned\u0007\u202e`;

/** What is on each page: one run that is over, one that goes, one that waits. */
export type Seeds = { over: RunId; going: RunId; waiting: RunId };

const patch = (name: string): string =>
  [
    ...[`diff --git a/${name} b/${name}`, "index 1111111..2222222 100644", `--- a/${name}`, `+++ b/${name}`],
    ...[
      "@@ -1,3 +1,3 @@ export function check",
      " const first = 1;",
      "-const old = 2;",
      "+const young = 3;",
      " end();",
      "",
    ],
  ].join("\n");

export async function seedRuns(pages: PagesWorld): Promise<Seeds> {
  const failed = await pages.addResult({
    ...{ status: "error", finished_at: new Date().toISOString() },
    error: { reason: "model-auth", message: "The model refused the key.", hint: "Check OPENAI_API_KEY." },
  });
  pages.write(failed.run_id, { log: "! no key\n" });
  const { run_id: over } = await pages.addResult(
    {
      ...{ duration: 131.4, branch: "codex/42-add-an-email-validator-9f3c21ab", commit: "a".repeat(40) },
      finished_at: new Date().toISOString(),
      output: {
        summary: "Added an email validator and its tests.",
        files_changed: ["src/validators/email.ts"],
        ...{ full_log: null, log_truncated: false },
      },
      pull_request: { number: 43, url: "https://github.com/octo-org/hello/pull/43" },
      usage: { input_tokens: 23_000, cached_input_tokens: 10_800, output_tokens: 1000 },
      codex: { version: "0.169.0", thread_id: null, model: "gpt-5.5" },
      timings: { queued: 4, cloning: 1, running: 120, publishing: 3 },
    },
    { prompt: "Add an email validator, with tests for the odd cases." },
  );
  const lines = Array.from({ length: 200 }, (_, index) => `ok ${index} - a test with a name that is not short at all`);
  pages.write(over, {
    log: ["Codex: I look around first.", "$ npm test", ...lines, "! one warning", "Codex has finished.", ""].join("\n"),
    patch: patch("src/validators/email.ts"),
    events: "{}\n",
    result: "{}\n",
  });
  const { run_id: going, ...request } = await pages.addRun({
    ...{ thread: 42, prompt: "Say hello", accepted_at: new Date(Date.now() - 95_000).toISOString() },
  });
  await pages.begin({ run_id: going, ...request }, { activity: { ...NO_ACTIVITY, lastCommand: "npm test -- --run" } });
  pages.write(going, { log: "Codex: I begin.\n$ npm test\n" });
  const { run_id: waiting } = await pages.addRun({ thread: 42, accepted_at: new Date().toISOString() });
  return { over, going, waiting };
}

/** A run whose every text is hostile. */
export async function seedHostileRun(pages: PagesWorld): Promise<RunId> {
  const { run_id: runId } = await pages.addResult(
    {
      ...{ status: "error", branch: HOSTILE, repo: HOSTILE, pull_request: null, usage: null },
      output: { summary: HOSTILE, files_changed: [HOSTILE], full_log: null, log_truncated: false },
      error: { reason: "codex-failed", message: HOSTILE, hint: HOSTILE },
      codex: { version: HOSTILE, thread_id: null, model: HOSTILE },
      finished_at: new Date().toISOString(),
    },
    {
      prompt: HOSTILE,
      trigger: { kind: "mcp", actor: HOSTILE, url: `javascript:alert(1)//${HOSTILE}` },
    },
  );
  pages.write(runId, { log: `${HOSTILE}\nneedle ${HOSTILE}\n`, patch: patch(HOSTILE).replace("young", HOSTILE) });
  return runId;
}
