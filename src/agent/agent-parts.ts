import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { toCodexArgv } from "../codex/argv.ts";
import { checkCodexVersion } from "../codex/version.ts";
import { toContainerSpec, type ContainerSpec } from "../container/container-spec.ts";
import { isLostEnding } from "../container/lost-ending.ts";
import { reattachContainer } from "../container/reattach-container.ts";
import type { RunImage } from "../container/run-image.ts";
import { startContainer, type RunningContainer } from "../container/start-container.ts";
import { openGateway, type Gateway } from "../gateway/gateway.ts";
import { RunError } from "../run/failure.ts";
import type { AgentExit, AgentReport } from "../run/outcome.ts";
import { toEgressHosts, toProxyVariables } from "../run/egress.ts";
import type { PictureNote } from "../run/picture-note.ts";
import type { RunRequest } from "../run/request.ts";
import { findHomeFolder } from "../repo-commands/home-folder.ts";
import { findAgentMounts } from "../set-up/layered-mounts.ts";
import { readFirstLine } from "../store/first-line.ts";
import { toRunFile } from "../store/run-files.ts";
import type { ResumeAgentOptions, StartAgentOptions } from "./agent-options.ts";
import { takeBackWord } from "./hand-over.ts";
import { layPictures, toAttachedPaths } from "./pictures.ts";
import type { AgentSettings } from "./agent-settings.ts";
import { createEgressNotes, type EgressNotes } from "./egress-notes.ts";

/** One run's container and its way to the model. */
export type AgentParts = {
  container: RunningContainer;
  gateway: Gateway;
  egress: EgressNotes;
  /** Null when it is not known any more. */
  image: RunImage | null;
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
  const [image, pictures] = await Promise.all([
    findImage(settings),
    layPicturesOfTurn(request, options),
    makeSessions(request, options),
    makeSocketFolder(paths.socketFolder(request.run_id)),
    takeBackWord(options.workspace.inputPath),
  ]);
  const egress = createEgressNotes();
  const gateway = await openRunGateway(request, { ...options, egress });
  try {
    const container = await startContainer(engine, {
      spec: await toSpec(request, { ...options, image, pictures: toAttachedPaths(pictures) }),
    });
    return {
      ...{ container, gateway, egress, image, output: "new" },
      heardAt: () => gateway.lastActivityAt,
      toExit: (exit) => exit,
    };
  } catch (error) {
    await gateway[Symbol.asyncDispose]();
    throw error;
  }
}

/** Finds the run's container again and serves its gateway anew; null when the container is gone or never started. */
export async function reopenParts(request: RunRequest, options: ResumeAgentOptions): Promise<AgentParts | null> {
  const { engine, settings, paths } = options;
  await makeSocketFolder(paths.socketFolder(request.run_id));
  // First the gateway: an agent that waits for it goes on while we look for its container.
  const egress = createEgressNotes();
  const gateway = await openRunGateway(request, { ...options, egress });
  try {
    const events = toRunFile(paths, { runId: request.run_id, file: "events" });
    const firstLine = await readFirstLine(events, { start: options.logStart.events }).catch(() => null);
    const found = await reattachContainer(engine, { runId: request.run_id, instanceId: paths.instance, firstLine });
    if (found.kind === "gone") {
      await gateway[Symbol.asyncDispose]();
      return null;
    }
    const image = await findImage(settings).catch(() => null);
    return {
      ...{ container: found.container, gateway, egress, image },
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

async function openRunGateway(
  request: RunRequest,
  { settings, paths, before, watch, budget, egress }: StartAgentOptions & { egress: EgressNotes },
): Promise<Gateway> {
  const { findUpstream, authorization, onUnauthorized, maxTokens, isAllowed } = settings.model;
  return openGateway({
    socketPath: join(paths.socketFolder(request.run_id), "model.sock"),
    upstreamUrl: await findUpstream(),
    authorization,
    onUnauthorized,
    ...(before.usage === null ? {} : { initialUsage: before.usage }),
    budget: maxTokens === null ? {} : { maxTokens },
    shared: budget,
    isModelAllowed: isAllowed,
    egress: { hosts: toHosts(request, settings), onTunnel: egress.note },
    onUsage: watch.onUsage,
    onGoodAnswer: () => settings.model.breaker.note(null),
    onAnswer: settings.model.answers.note,
  });
}

async function toSpec(
  request: RunRequest,
  {
    settings,
    paths,
    workspace,
    attempt,
    turn,
    image,
    pictures,
  }: StartAgentOptions & { image: RunImage; pictures: string[] },
): Promise<ContainerSpec> {
  const [treePath, inputPath, socketFolderPath, sessionsPath] = await Promise.all(
    [workspace.treePath, workspace.inputPath, paths.socketFolder(request.run_id), paths.sessions(request.run_id)].map(
      settings.toEnginePath,
    ),
  );
  if (treePath === undefined || inputPath === undefined || socketFolderPath === undefined || sessionsPath === undefined)
    throw new Error("A folder of the run has no path.");
  const home = findHomeFolder(workspace, { request });
  const { toEnginePath } = settings;
  const workspaceAccess = request.mode === "ask" ? "read-only" : "read-write";
  const overlays = await findAgentMounts({ workspace, homePath: home, toEnginePath, access: workspaceAccess });
  return toContainerSpec({
    runId: request.run_id,
    attempt,
    instanceId: paths.instance,
    image,
    argv: toCodexArgv({
      model: request.model,
      effort: request.effort,
      dir: request.dir,
      resumeThreadId: turn?.threadId ?? request.resume?.thread_id ?? null,
      ...toSchemaPath(request),
      // What strangers write is no instruction, also not in a file that usually holds some.
      agentsFiles: request.pull?.head === "fork" ? "ignored" : "read",
      pictures,
      commandVariables: toProxyVariables(toHosts(request, settings)),
    }),
    owner: settings.user,
    limits: settings.limits,
    runtime: settings.runtime,
    homePath: home === null || overlays !== null ? null : await toEnginePath(home),
    overlays: overlays ?? [],
    paths: { treePath, inputPath, socketFolderPath, sessionsPath },
    workspaceAccess,
  });
}

/** The pictures of a request go with its own prompt, not with what is said to the agent later. */
async function layPicturesOfTurn(
  { images }: RunRequest,
  { turn, fetchPictures, workspace: { inputPath } }: StartAgentOptions,
): Promise<PictureNote[]> {
  return turn === null ? layPictures(images, { inputPath, fetchPictures }) : [];
}

function toHosts({ rules }: RunRequest, { egressAllow }: AgentSettings): string[] {
  return toEgressHosts(rules, { operator: egressAllow });
}

/** Where the container finds the schema of the answer; see hand-over.ts. */
function toSchemaPath({ output_schema: schema }: RunRequest): { schemaPath: string | null } {
  return { schemaPath: schema === null ? null : "/in/schema.json" };
}

/** Rejects with `image-unusable` when the Codex that runs in it is too old. */
async function findImage(settings: AgentSettings): Promise<RunImage> {
  const image = await settings.findImage();
  const problem = checkCodexVersion(image.codexVersion);
  if (problem !== null) throw new RunError("image-unusable", problem);
  return image;
}

/** The folder of Codex's threads: empty, or with the one that is gone on with. A later turn finds its own there. */
async function makeSessions({ run_id: runId }: RunRequest, options: StartAgentOptions): Promise<void> {
  const { paths, settings, bringThread, turn } = options;
  await makeOwnedFolder(paths.sessions(runId), settings.user);
  if (turn === null) await bringThread?.();
}

async function makeSocketFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

async function makeOwnedFolder(path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}
