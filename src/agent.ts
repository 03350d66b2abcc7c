import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toCodexArgv } from "./codex/argv.ts";
import { createEventReader, type CodexActivity } from "./codex/events.ts";
import { composePrompt } from "./codex/prompt.ts";
import { checkCodexVersion } from "./codex/version.ts";
import type { ContainerEngine } from "./container/engine.ts";
import { createDeadBufferCounter } from "./dead-buffers.ts";
import { toContainerSpec } from "./container/container-spec.ts";
import { startContainer, type RunningContainer } from "./container/start-container.ts";
import { openGateway, type Gateway } from "./gateway/gateway.ts";
import { RunError } from "./run/failure.ts";
import type { AgentExit, AgentReport, ModelFailure } from "./run/outcome.ts";
import type { RunRequest } from "./run/request.ts";
import type { Usage } from "./run/result.ts";
import type { RunLog } from "./store/run-log.ts";
import type { StatePaths } from "./store/paths.ts";
import type { Workspace } from "./workspace/workspace.ts";

/** The settings of this machine that every agent's container gets. */
export type AgentSettings = {
  image: string;
  limits: { memoryBytes: number; cpus: number; pids: number; diskBytes: number };
  runtime: string | null;
  stallMs: number;
  /** Owner of what the container may write; never root. */
  user: { uid: number; gid: number };
  model: { upstreamUrl: string; authorization: () => Promise<Record<string, string>>; maxTokens: number | null };
};

export type StartAgentOptions = {
  engine: ContainerEngine;
  settings: AgentSettings;
  workspace: Workspace;
  paths: StatePaths;
  log: RunLog;
  onActivity: (activity: CodexActivity) => void;
};

/** How the agent's turn went, as the host saw it. */
export type AgentEnd = {
  codexVersion: string | null;
  exit: AgentExit;
  report: AgentReport;
  modelFailure: ModelFailure | null;
  usage: Usage;
  model: string | null;
};

/** A container that is getting ready, and waits for its word to begin. */
export type Agent = AsyncDisposable & {
  /** Hands over the prompt and waits for the end, whatever it is. Rejects when the engine cannot do its part. */
  run(options: { signal: AbortSignal }): Promise<AgentEnd>;
};

/** How much output that was read and written may wait for the collector. */
const DEAD_OUTPUT_BYTES = 8 * 1024 ** 2;

/** Free space that stays free on the disk of the workspaces. */
const DISK_RESERVE_BYTES = 1024 ** 3;

/**
 * Starts the agent's container and its gateway, and returns at once: both come up while the repository is fetched. The
 * container's entry waits until the workspace is there. Disposing ends and removes both.
 */
export function startAgent(request: RunRequest, options: StartAgentOptions): Agent {
  const opening = openParts(request, options);
  opening.catch(() => {}); // reported by run(), or by nobody when the clone fails first
  return {
    run: async ({ signal }) => {
      const parts = await opening;
      return superviseAgent(request, { ...options, ...parts, signal });
    },
    [Symbol.asyncDispose]: async () => {
      const parts = await opening.catch(() => null);
      await parts?.container[Symbol.asyncDispose]();
      await parts?.gateway[Symbol.asyncDispose]();
      await rm(options.paths.socketFolder(request.run_id), { recursive: true, force: true });
    },
  };
}

type Parts = { container: RunningContainer; gateway: Gateway; codexVersion: string | null };

async function openParts(
  request: RunRequest,
  { engine, settings, workspace, paths }: StartAgentOptions,
): Promise<Parts> {
  const socketFolder = paths.socketFolder(request.run_id);
  const sessions = paths.sessions(request.run_id);
  const [codexVersion] = await Promise.all([
    readCodexVersion(engine, settings.image),
    mkdir(socketFolder, { recursive: true }),
    makeOwnedFolder(sessions, settings.user),
  ]);
  await chmod(socketFolder, 0o755);

  const gateway = await openGateway({ socketPath: join(socketFolder, "model.sock"), ...toGatewayOptions(settings) });
  try {
    const spec = toContainerSpec({
      runId: request.run_id,
      attempt: 1,
      instanceId: paths.instance,
      image: settings.image,
      argv: toCodexArgv({ model: request.model, effort: request.effort, dir: request.dir, resumeThreadId: null }),
      owner: settings.user,
      limits: settings.limits,
      runtime: settings.runtime,
      paths: {
        treePath: workspace.treePath,
        inputPath: workspace.inputPath,
        socketFolderPath: socketFolder,
        sessionsPath: sessions,
      },
      workspaceAccess: request.mode === "ask" ? "read-only" : "read-write",
    });
    return { gateway, codexVersion, container: await startContainer(engine, { spec }) };
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/** Which Codex the image holds. Rejects with `image-missing`, or `image-unusable` when it is too old. */
async function readCodexVersion(engine: ContainerEngine, image: string): Promise<string | null> {
  const found = await engine.readImage(image);
  if (found === null) throw new RunError("image-missing", `The runner image ${image} does not exist on this engine.`);
  const problem = checkCodexVersion(found.codexVersion);
  if (problem !== null) throw new RunError("image-unusable", problem);
  return found.codexVersion;
}

type SuperviseAgentOptions = StartAgentOptions & Parts & { signal: AbortSignal };

async function superviseAgent(request: RunRequest, options: SuperviseAgentOptions): Promise<AgentEnd> {
  const { container, gateway, workspace, settings, signal } = options;
  const reading = readAgent(container, options);
  await handOver(workspace.inputPath, composePrompt(request));

  const exit = await container.supervise({
    timeoutMs: request.timeout * 1000,
    stallMs: settings.stallMs,
    lastActivityAt: () => Math.max(gateway.lastActivityAt, reading.lastOutputAt()),
    signal,
    disk: {
      paths: [workspace.treePath, options.paths.sessions(request.run_id)],
      limitBytes: settings.limits.diskBytes,
      reserveBytes: DISK_RESERVE_BYTES,
    },
  });
  const report = await reading.report;
  return {
    codexVersion: options.codexVersion,
    exit,
    report,
    modelFailure: gateway.failure,
    usage: gateway.usage,
    model: gateway.model ?? request.model,
  };
}

/** Lays the prompt where the container reads it, and gives the word. The mode does not depend on our umask. */
async function handOver(inputPath: string, prompt: string): Promise<void> {
  const path = join(inputPath, "prompt.txt");
  await writeFile(path, prompt);
  await chmod(path, 0o644);
  await writeFile(join(inputPath, "go"), "");
}

type Reading = { report: Promise<AgentReport>; lastOutputAt(): number };

/** Reads the container's output as it comes; a flood waits for the disk, so that it never piles up in memory. */
function readAgent(container: RunningContainer, { log, onActivity }: StartAgentOptions): Reading {
  let lastOutputAt = performance.now();
  const letGo = createDeadBufferCounter({ everyBytes: DEAD_OUTPUT_BYTES });
  const reader = createEventReader({ onActivity, onEventLine: log.writeEvent, onLogLine: log.writeLog });
  const drain = async (): Promise<void> => {
    for await (const chunk of container.stdout) {
      lastOutputAt = performance.now();
      reader.push(chunk);
      letGo(chunk.length);
      await log.drained();
    }
  };
  const drainErrors = async (): Promise<void> => {
    for await (const chunk of container.stderr) {
      lastOutputAt = performance.now();
      reader.pushError(chunk);
      await log.drained();
    }
  };
  const report = Promise.all([drain(), drainErrors()]).then(() => reader.end());
  report.catch(() => {}); // awaited after the container's end
  return { report, lastOutputAt: () => lastOutputAt };
}

function toGatewayOptions({ model }: AgentSettings) {
  const { upstreamUrl, authorization, maxTokens } = model;
  return { upstreamUrl, authorization, budget: maxTokens === null ? {} : { maxTokens } };
}

async function makeOwnedFolder(path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}
