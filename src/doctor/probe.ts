import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Config } from "../config.ts";
import { chooseOwner, toContainerSpec, type ContainerSpec } from "../container/container-spec.ts";
import type { ContainerEngine } from "../container/engine.ts";
import { findRunImage } from "../container/run-image.ts";
import { createPathTranslator } from "../container/own-mounts.ts";
import { startContainer } from "../container/start-container.ts";
import type { ContainerExit } from "../container/supervise.ts";
import { createRunId } from "../run/id.ts";
import { RunError } from "../run/failure.ts";
import type { StatePaths } from "../store/paths.ts";
import { openWorkspace } from "../workspace/workspace.ts";

/** The folders of a run that there never was, and the container that belongs to them. Disposing removes the folders. */
export type Probe = AsyncDisposable & {
  spec: ContainerSpec;
  /** Where the container looks for its gateway. */
  socketPath: string;
  /** Holds the folders that the container may write. */
  rootPath: string;
};

export type OpenProbeOptions = {
  config: Pick<Config, "image" | "limits" | "runtime">;
  /** The state folders must exist. */
  paths: StatePaths;
  /** What the image's entry hands to Codex. */
  argv: string[];
  prompt: string;
};

/**
 * Makes what a run's container mounts, in the places of real runs, with an empty workspace that is ready to go. The engine gets
 * its own paths of it, which are others when we run in a container ourselves.
 */
export async function openProbe(engine: ContainerEngine, options: OpenProbeOptions): Promise<Probe> {
  const { config, paths, argv, prompt } = options;
  const runId = createRunId();
  const socketFolderPath = paths.socketFolder(runId);
  await using made = new AsyncDisposableStack();
  const { rootPath, treePath, inputPath } = made.use(await openWorkspace(runId, { workRoot: paths.work }));
  made.defer(() => rm(socketFolderPath, { recursive: true, force: true }));
  const sessionsPath = join(rootPath, "codex-home");
  await Promise.all([mkdir(sessionsPath), mkdir(socketFolderPath)]);
  await chmod(socketFolderPath, 0o755);

  const owner = chooseOwner({ uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 });
  if (process.getuid?.() === 0) {
    for (const path of [treePath, sessionsPath]) await chown(path, owner.uid, owner.gid);
  }
  for (const [name, content] of Object.entries({ "prompt.txt": prompt, go: "" })) {
    await writeFile(join(inputPath, name), content);
    await chmod(join(inputPath, name), 0o644);
  }
  const spec = toContainerSpec({
    runId,
    attempt: 1,
    instanceId: paths.instance,
    image: await findRunImage(engine, { image: config.image, standard: config.image }),
    argv,
    workspaceAccess: "read-write",
    owner,
    paths: await toEnginePaths({ treePath, inputPath, socketFolderPath, sessionsPath }, engine),
    limits: config.limits,
    runtime: config.runtime,
    homePath: null,
  });
  const all = made.move();
  return {
    spec,
    rootPath,
    socketPath: join(socketFolderPath, "model.sock"),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function toEnginePaths<Name extends string>(
  paths: Record<Name, string>,
  engine: ContainerEngine,
): Promise<Record<Name, string>> {
  const translate = createPathTranslator(engine);
  const translated: Record<Name, string> = { ...paths };
  for (const name in paths) translated[name] = await translate(paths[name]);
  return translated;
}

export type ProbeEnd = { exit: ContainerExit; stdout: string; stderr: string };

export type RunProbeOptions = {
  probe: Probe;
  /** Longest the container may run, in milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
};

/** More than any probe writes. */
const DISK_BYTES = 256 * 1024 ** 2;

/**
 * Creates the container, compares it with what was wanted, runs it to its end and removes it. Rejects with a `RunError`
 * when the engine cannot do its part of that.
 */
export async function runProbe(engine: ContainerEngine, options: RunProbeOptions): Promise<ProbeEnd> {
  const { id, ...end } = await runToEnd(engine, options);
  if ((await engine.inspectContainer(id)) === null) return end;
  throw new RunError("engine-lost", `The engine did not remove the container ${id.slice(0, 12)}.`, {
    hint: `Look at the engine's log, and remove it by hand: docker rm -f ${id.slice(0, 12)}.`,
  });
}

async function runToEnd(engine: ContainerEngine, options: RunProbeOptions): Promise<ProbeEnd & { id: string }> {
  const { probe, timeoutMs, signal } = options;
  await using container = await startContainer(engine, { spec: probe.spec });
  const output = Promise.all([text(container.stdout), text(container.stderr)]);
  output.catch(() => {}); // awaited after the container's end
  const exit = await container.supervise({
    timeoutMs,
    stallMs: timeoutMs,
    lastActivityAt: () => performance.now(),
    signal,
    disk: { paths: [probe.rootPath], limitBytes: DISK_BYTES, reserveBytes: 0 },
    graceMs: 1_000,
  });
  const [stdout, stderr] = await output;
  return { id: container.id, exit, stdout, stderr };
}

/** How the container ended, and the last thing it said, as a clause; null for a good end. */
export function findWrongEnd({ exit, stdout, stderr }: ProbeEnd): string | null {
  const lastWords = `${stdout}\n${stderr}`.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
  switch (exit.reason) {
    case "exited":
      if (exit.exitCode === 0) return null;
      return `it ended with exit code ${exit.exitCode}${exit.outOfMemory ? ", out of memory" : ""}: ${lastWords}`;
    case "timeout":
    case "stalled":
    case "cancelled":
      return `it was not over in time: ${lastWords}`;
    case "disk-full":
      return "it filled the disk";
    case "lost":
      return "the engine stopped meanwhile";
  }
}
