import { createReadStream } from "node:fs";
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { toCodexArgv } from "../codex/argv.ts";
import { checkCodexVersion } from "../codex/version.ts";
import { toContainerSpec, type ContainerSpec } from "../container/container-spec.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { isLostEnding } from "../container/lost-ending.ts";
import { reattachContainer } from "../container/reattach-container.ts";
import { startContainer, type RunningContainer } from "../container/start-container.ts";
import { openGateway, type Gateway } from "../gateway/gateway.ts";
import { RunError } from "../run/failure.ts";
import type { AgentExit, AgentReport } from "../run/outcome.ts";
import type { RunRequest } from "../run/request.ts";
import { toRunFile } from "../store/run-files.ts";
import type { StartAgentOptions } from "./agent-options.ts";

/** One run's container and its way to the model. */
export type AgentParts = {
  container: RunningContainer;
  gateway: Gateway;
  codexVersion: string | null;
  /** What the container's output begins with: all there is, or only what the engine still has. */
  output: "from-start" | "cut" | "new";
  /** When the model was last heard of, on the clock of `performance.now()`. */
  heardAt: () => number;
  /** Corrects what the exit code seems to say by what the events said. */
  toExit: (exit: AgentExit, report: AgentReport) => AgentExit;
};

/** Brings up gateway and container. Rejects when the engine cannot do its part, and leaves nothing behind then. */
export async function openParts(request: RunRequest, options: StartAgentOptions): Promise<AgentParts> {
  const { engine, settings, paths } = options;
  const [codexVersion] = await Promise.all([
    readCodexVersion(engine, settings.image),
    makeSessions(request, options),
    makeSocketFolder(paths.socketFolder(request.run_id)),
  ]);
  const gateway = await openRunGateway(request, options);
  try {
    const container = await startContainer(engine, { spec: await toSpec(request, options) });
    return {
      ...{ container, gateway, codexVersion, output: "new" },
      heardAt: () => gateway.lastActivityAt,
      toExit: (exit) => exit,
    };
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/** Finds the run's container again and serves its gateway anew; null when the container is gone or never started. */
export async function reopenParts(request: RunRequest, options: StartAgentOptions): Promise<AgentParts | null> {
  const { engine, settings, paths } = options;
  await makeSocketFolder(paths.socketFolder(request.run_id));
  // First the gateway: an agent that waits for it goes on while we look for its container.
  const gateway = await openRunGateway(request, options);
  try {
    const events = toRunFile(paths, { runId: request.run_id, file: "events" });
    const firstLine = await readFirstLine(events).catch(() => null);
    const found = await reattachContainer(engine, { runId: request.run_id, instanceId: paths.instance, firstLine });
    if (found.kind === "gone") {
      await gateway[Symbol.asyncDispose]();
      return null;
    }
    const codexVersion = await readCodexVersion(engine, settings.image).catch(() => null);
    return {
      ...{ container: found.container, gateway, codexVersion },
      output: found.isFromStart ? "from-start" : "cut",
      heardAt: () => gateway.lastActivityAt,
      toExit: toExitOfUnwatched,
    };
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Nobody saw all of this container's life, so an ending from outside was the engine's doing, not the agent's: the run is
 * lost, unless the agent had come to the end of its turn before.
 */
function toExitOfUnwatched(exit: AgentExit, report: AgentReport): AgentExit {
  if (exit.reason !== "exited") return exit;
  if (isLostEnding(exit, report)) return { reason: "lost" };
  const isCutAfterwards = report.turn === "completed" && isLostEnding(exit, { turn: "none" });
  return isCutAfterwards ? { ...exit, exitCode: 0 } : exit;
}

/** The first line of the agent's events, by which its output is known again; null when none was kept. */
async function readFirstLine(path: string): Promise<string | null> {
  for await (const line of createInterface({ input: createReadStream(path) })) return line;
  return null;
}

async function openRunGateway(
  request: RunRequest,
  { settings, paths, before, watch }: StartAgentOptions,
): Promise<Gateway> {
  const { findUpstream, authorization, onUnauthorized, maxTokens } = settings.model;
  return openGateway({
    socketPath: join(paths.socketFolder(request.run_id), "model.sock"),
    upstreamUrl: await findUpstream(),
    authorization,
    onUnauthorized,
    ...(before.usage === null ? {} : { initialUsage: before.usage }),
    budget: maxTokens === null ? {} : { maxTokens },
    onUsage: watch.onUsage,
    onGoodAnswer: () => settings.model.breaker.note(null),
  });
}

async function toSpec(
  request: RunRequest,
  { settings, paths, workspace, attempt }: StartAgentOptions,
): Promise<ContainerSpec> {
  const [treePath, inputPath, socketFolderPath, sessionsPath] = await Promise.all(
    [workspace.treePath, workspace.inputPath, paths.socketFolder(request.run_id), paths.sessions(request.run_id)].map(
      settings.toEnginePath,
    ),
  );
  if (treePath === undefined || inputPath === undefined || socketFolderPath === undefined || sessionsPath === undefined)
    throw new Error("A folder of the run has no path.");
  return toContainerSpec({
    runId: request.run_id,
    attempt,
    instanceId: paths.instance,
    image: settings.image,
    argv: toCodexArgv({
      model: request.model,
      effort: request.effort,
      dir: request.dir,
      resumeThreadId: request.resume?.thread_id ?? null,
      ...toSchemaPath(request),
    }),
    owner: settings.user,
    limits: settings.limits,
    runtime: settings.runtime,
    paths: { treePath, inputPath, socketFolderPath, sessionsPath },
    workspaceAccess: request.mode === "ask" ? "read-only" : "read-write",
  });
}

/** Where the container finds the schema of the answer; see hand-over.ts. */
function toSchemaPath({ output_schema: schema }: RunRequest): { schemaPath: string | null } {
  return { schemaPath: schema === null ? null : "/in/schema.json" };
}

/** Which Codex the image holds. Rejects with `image-missing`, or `image-unusable` when it is too old. */
async function readCodexVersion(engine: ContainerEngine, image: string): Promise<string | null> {
  const found = await engine.readImage(image);
  if (found === null) throw new RunError("image-missing", `The runner image ${image} does not exist on this engine.`);
  const problem = checkCodexVersion(found.codexVersion);
  if (problem !== null) throw new RunError("image-unusable", problem);
  return found.codexVersion;
}

/** The folder of Codex's threads: empty, or with the one that is gone on with. */
async function makeSessions({ run_id: runId }: RunRequest, options: StartAgentOptions): Promise<void> {
  const { paths, settings, bringThread } = options;
  await makeOwnedFolder(paths.sessions(runId), settings.user);
  await bringThread?.();
}

async function makeSocketFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

async function makeOwnedFolder(path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}
