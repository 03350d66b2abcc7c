import { rm } from "node:fs/promises";
import { checkAnswer } from "../answer/check-answer.ts";
import type { AgentAnswer } from "../run/answer.ts";
import type { AgentEnd, LogStart, MachineTime } from "../run/checkpoint.ts";
import { toEgressHosts } from "../run/egress.ts";
import { toElapsedMs } from "../run/machine-time.ts";
import type { AgentReport } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import { UsedImage } from "../run/used-image.ts";
import { findHomeFolder } from "../repo-commands/home-folder.ts";
import { passStep } from "../steps.ts";
import { openParts, reopenParts, type AgentParts } from "./agent-parts.ts";
import type { ResumeAgentOptions, StartAgentOptions } from "./agent-options.ts";
import { handOver } from "./hand-over.ts";
import { maskEnd } from "./mask-end.ts";
import { readOutput } from "./read-output.ts";

/** A container that is getting ready, and waits for its word to begin; or one that was found again. */
export type Agent = AsyncDisposable & {
  /** Resolves when the container waits for its word. Rejects when the engine cannot do its part. */
  ready(): Promise<void>;
  /**
   * Hands over the prompt, unless that was done, and waits for the end, whatever it is. The time limit counts from
   * `beganAt`, whoever supervised it meanwhile. What the container prints is written to the run's files from `logStart` on.
   * Rejects when the engine cannot do its part, and with `DetachedError`.
   */
  run(options: { beganAt: MachineTime; logStart: LogStart }): Promise<AgentEnd>;
};

/** How often the record is told how long the agent has been silent. */
const SILENCE_EVERY_MS = 5_000;

/**
 * Starts the agent's container and its gateway, and returns at once: both come up while the repository is fetched. The
 * container's entry waits until the workspace is there. Disposing ends and removes both, unless it was detached while the
 * agent worked: before that, no other process can know of this container.
 */
export function startAgent(request: RunRequest, options: StartAgentOptions): Agent {
  return toAgent(request, { ...options, origin: "made", opening: openParts(request, options) });
}

/** Finds the agent of a run that another process left; null when its container is gone, so that it must begin anew. */
export async function resumeAgent(request: RunRequest, options: ResumeAgentOptions): Promise<Agent | null> {
  const parts = await reopenParts(request, options);
  return parts === null ? null : toAgent(request, { ...options, origin: "found", opening: Promise.resolve(parts) });
}

type ToAgentOptions = StartAgentOptions & { origin: "made" | "found"; opening: Promise<AgentParts> };

function toAgent(request: RunRequest, options: ToAgentOptions): Agent {
  const { opening, origin, signals, paths } = options;
  let isOnRecord = origin === "found";
  opening.catch(() => {}); // reported by ready() or run(), or by nobody when the clone fails first
  return {
    ready: async () => void (await opening),
    run: async (begun) => {
      isOnRecord = true;
      return supervise(request, { ...options, parts: await opening, ...begun });
    },
    [Symbol.asyncDispose]: async () => {
      const parts = await opening.catch(() => null);
      if (signals.detach.aborted && isOnRecord) parts?.container.letGo();
      await parts?.container[Symbol.asyncDispose]();
      await parts?.gateway[Symbol.asyncDispose]();
      if (!signals.detach.aborted) await rm(paths.socketFolder(request.run_id), { recursive: true, force: true });
    },
  };
}

type SuperviseOptions = StartAgentOptions & { parts: AgentParts; beganAt: MachineTime; logStart: LogStart };

async function supervise(request: RunRequest, options: SuperviseOptions): Promise<AgentEnd> {
  const { parts, workspace, settings, signals, watch } = options;
  const { container, gateway } = parts;
  const reading = await readOutput(request.run_id, { ...options, ...parts });
  const openedAt = performance.now() - options.before.silentMs;
  const lastActivityAt = (): number => Math.max(openedAt, parts.heardAt(), reading.lastOutputAt());
  const telling = setInterval(() => watch.onSilence(performance.now() - lastActivityAt()), SILENCE_EVERY_MS);
  try {
    await handOver(workspace.inputPath, {
      ...{ request, turn: options.turn },
      hosts: toEgressHosts(request.rules, { operator: settings.egressAllow }),
    });
    passStep("agent-running");
    const exit = await container.supervise({
      timeoutMs: request.timeout * 1000 - (toElapsedMs(options.beganAt) ?? 0),
      stallMs: settings.stallMs,
      lastActivityAt,
      signal: signals.cancel,
      detach: signals.detach,
      disk: {
        paths: toWritableFolders(request, options),
        limitBytes: settings.limits.diskBytes,
        reserveBytes: settings.diskReserveBytes,
      },
    });
    const report = await reading.report;
    if (gateway.failure !== null) settings.model.breaker.note(gateway.failure);
    const end: AgentEnd = {
      codexVersion: parts.image?.codexVersion ?? null,
      ...(parts.image === null ? {} : { image: UsedImage.parse(parts.image) }),
      exit: parts.toExit(exit, report),
      report,
      modelFailure: gateway.failure,
      usage: gateway.usage,
      model: gateway.model ?? request.model,
      ...(await readAnswer(request, { report })),
    };
    return maskEnd(end, options);
  } finally {
    clearInterval(telling);
    if (signals.detach.aborted) container.letGo();
    await reading.close();
  }
}

/** What the container may fill on disk. */
function toWritableFolders(request: RunRequest, { workspace, paths }: StartAgentOptions): string[] {
  const home = findHomeFolder(workspace, { request });
  return [workspace.treePath, paths.sessions(request.run_id), ...(home === null ? [] : [home])];
}

/** What the final message of a completed turn is as data, when the run is asked for that. Before anything in it is masked. */
async function readAnswer(
  { output_schema: schema }: RunRequest,
  { report }: { report: AgentReport },
): Promise<{ answer?: AgentAnswer }> {
  if (schema === null || report.turn !== "completed") return {};
  return { answer: await checkAnswer(report.finalMessage, { schema }) };
}
