import { z } from "zod";
import type { AgentAnswer } from "./answer.ts";
import type { Change, LeftOut } from "./changes.ts";
import { toPathText } from "./changes.ts";
import { FailureReason, RunFailure, toRunFailure } from "./failure.ts";
import { Marker, parseFinalMessage, toOwnMarker } from "./marker.ts";
import { FinalStatus } from "./state.ts";

/** How the agent's container ended. When several things happen at once, the first one wins. */
export const AgentExit = z.discriminatedUnion("reason", [
  z.object({ reason: z.literal("exited"), exitCode: z.int(), outOfMemory: z.boolean() }),
  z.object({ reason: z.literal("timeout") }),
  z.object({ reason: z.literal("stalled"), silentMs: z.number() }),
  z.object({ reason: z.literal("cancelled") }),
  z.object({ reason: z.literal("disk-full") }),
  /** The engine went away under the container, so its exit code says nothing about the agent. */
  z.object({ reason: z.literal("lost") }),
]);
export type AgentExit = z.infer<typeof AgentExit>;

/** What Codex's event stream said. Advice: a container can print what it likes. */
export const AgentReport = z.object({
  threadId: z.string().nullable(),
  turn: z.enum(["completed", "failed", "none"]),
  failureMessage: z.string().nullable(),
  finalMessage: z.string().nullable(),
});
export type AgentReport = z.infer<typeof AgentReport>;

/** What the gateway saw of the model last; null when the last answer was a good one. */
export const ModelFailure = z.object({ reason: FailureReason, message: z.string(), hint: z.string().optional() });
export type ModelFailure = z.infer<typeof ModelFailure>;

export type Evidence = {
  exit: AgentExit;
  report: AgentReport;
  modelFailure: ModelFailure | null;
  /** What became of an answer that had to fit a schema. */
  answer?: AgentAnswer | undefined;
  changes: readonly Change[];
  leftOut: readonly LeftOut[];
};

/** What a run came to before anything was published. */
export const RunOutcome = z.object({
  status: FinalStatus,
  exitCode: z.int().nullable(),
  marker: Marker.nullable(),
  summary: z.string().nullable(),
  /** Paths as text, sorted by their bytes. */
  filesChanged: z.array(z.string()),
  leftOut: z.array(z.object({ path: z.string(), why: z.string() })),
  error: RunFailure.nullable(),
  /** The final answer as data. There only when the run was asked for one by a schema, and it fits. */
  data: z.unknown().optional(),
});
export type RunOutcome = z.infer<typeof RunOutcome>;

/**
 * Decides how a run ended, from what the host saw. The marker is only a signal: a non-zero exit or a failed turn is an
 * error whatever the text claims, and a final message counts only when its turn was completed. So is an answer that does not
 * fit the schema it was asked for by.
 */
export function decideOutcome(evidence: Evidence): RunOutcome {
  const { exit, report, answer } = evidence;
  const parsed = report.finalMessage === null ? null : parseFinalMessage(report.finalMessage);
  const error = toError(evidence);
  const status = toStatus(exit, { failed: error !== null, needsUser: parsed?.marker === "::MCP_STATUS::NEED_USER" });
  return {
    status,
    exitCode: exit.reason === "exited" ? exit.exitCode : null,
    marker: toOwnMarker(status) ?? parsed?.marker ?? null,
    summary: parsed === null || parsed.summary === "" ? null : parsed.summary,
    filesChanged: toSortedPaths(evidence.changes),
    leftOut: [...evidence.leftOut],
    error,
    ...(answer?.kind === "valid" ? { data: answer.data } : {}),
  };
}

/**
 * The outcome of finished work that the repository's own checks did not pass: a person must decide what becomes of it. The
 * agent's marker stays, see `isUnverified`.
 */
export function toUnverifiedOutcome(outcome: RunOutcome): RunOutcome {
  return { ...outcome, status: "need_user" };
}

/** The outcome of finished work that was cancelled before it was verified or published: it is kept as the patch. */
export function toUnpublishedOutcome(outcome: RunOutcome): RunOutcome {
  return { ...outcome, status: "cancelled", marker: "::MCP_STATUS::CANCELLED" };
}

/** The outcome of a run that failed outside the agent: nothing to clone, no engine, a defect. */
export function toFailedOutcome(
  error: RunFailure,
  known: Partial<Pick<RunOutcome, "exitCode" | "summary" | "filesChanged" | "leftOut" | "data">> = {},
): RunOutcome {
  return {
    exitCode: null,
    summary: null,
    filesChanged: [],
    leftOut: [],
    ...known,
    status: "error",
    marker: "::MCP_STATUS::ERROR",
    error,
  };
}

/** The outcome of a run that was cancelled before its agent started. */
export function toCancelledOutcome(): RunOutcome {
  return {
    status: "cancelled",
    exitCode: null,
    marker: "::MCP_STATUS::CANCELLED",
    summary: null,
    filesChanged: [],
    leftOut: [],
    error: null,
  };
}

function toStatus(exit: AgentExit, { failed, needsUser }: { failed: boolean; needsUser: boolean }): FinalStatus {
  if (exit.reason === "timeout" || exit.reason === "cancelled")
    return exit.reason === "timeout" ? "timeout" : "cancelled";
  if (failed) return "error";
  return needsUser ? "need_user" : "done";
}

/** What a program ends with that the kernel killed. */
const KILLED_CODE = 137;

function toError({ exit, report, modelFailure, answer }: Evidence): RunFailure | null {
  switch (exit.reason) {
    case "timeout":
    case "cancelled":
      return null;
    case "stalled":
      // Silence while the model fails is Codex waiting between its tries: the model is the cause.
      if (modelFailure !== null) return toRunFailure(modelFailure.reason, modelFailure);
      return toRunFailure("stalled", {
        message: `Neither Codex nor the model gave a sign for ${Math.round(exit.silentMs / 1000)} seconds, so the run was stopped.`,
      });
    case "disk-full":
      return toRunFailure("disk-full", { message: "The run filled its share of the disk, so it was stopped." });
    case "lost":
      return toRunFailure("engine-lost", { message: "The Docker engine stopped while the run was going." });
    case "exited":
      if (exit.exitCode === 0 && report.turn === "completed") return toAnswerError(answer);
      // The kernel may have ended a command only, while Codex itself gave up because of the model.
      if (modelFailure !== null && !(exit.outOfMemory && exit.exitCode === KILLED_CODE))
        return toRunFailure(modelFailure.reason, modelFailure);
      if (exit.outOfMemory) return toRunFailure("out-of-memory", { message: "The run used more memory than it may." });
      return toRunFailure("codex-failed", { message: toCodexSentence(exit.exitCode, report) });
  }
}

function toAnswerError(answer: AgentAnswer | undefined): RunFailure | null {
  return answer?.kind === "invalid" ? toRunFailure("answer-invalid", { message: answer.problem }) : null;
}

function toCodexSentence(exitCode: number, report: AgentReport): string {
  if (report.failureMessage !== null) return `Codex gave up: ${report.failureMessage}`;
  if (report.turn !== "completed") return `Codex ended with exit code ${exitCode} before its turn was completed.`;
  return `Codex ended with exit code ${exitCode}.`;
}

function toSortedPaths(changes: readonly Change[]): string[] {
  return changes
    .map((change) => change.path)
    .sort(Buffer.compare)
    .map(toPathText);
}
