import { mkdtemp, mkdir, chown, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { chooseOwner, type ContainerSpec, toContainerSpec } from "../../src/container/container-spec.ts";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { findEndpoint } from "../../src/container/find-endpoint.ts";
import { type RunningContainer, startContainer } from "../../src/container/start-container.ts";
import type { SuperviseOptions } from "../../src/container/supervise.ts";
import { createRunId, type RunId } from "../../src/run/id.ts";

export const image = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
export const instanceId = `test-${process.pid}`;

/** The engine that the `docker` command would use. */
export const endpoint = findEndpoint({
  dockerHost: process.env["DOCKER_HOST"],
  dockerContext: process.env["DOCKER_CONTEXT"],
  dockerConfigPath: process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
});

export function createTestEngine(): ContainerEngine {
  return createDockerEngine({ endpoint });
}

export type Folders = AsyncDisposable & {
  runId: RunId;
  rootPath: string;
  paths: { treePath: string; inputPath: string; socketFolderPath: string; sessionsPath: string };
};

const owner = chooseOwner({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

/** The four folders of one run, gone when disposed. */
export async function makeFolders(): Promise<Folders> {
  const rootPath = await mkdtemp(join(tmpdir(), "container-test-"));
  const paths = {
    treePath: join(rootPath, "ws"),
    inputPath: join(rootPath, "in"),
    socketFolderPath: join(rootPath, "sock"),
    sessionsPath: join(rootPath, "codex-home"),
  };
  for (const path of Object.values(paths)) {
    await mkdir(path);
    if (process.getuid?.() === 0) await chown(path, owner.uid, owner.gid);
  }
  const removeAll = () => rm(rootPath, { recursive: true, force: true });
  return { runId: createRunId(), rootPath, paths, [Symbol.asyncDispose]: removeAll };
}

export type ToTestSpecOptions = {
  /** What /bin/sh runs in place of the image's entry. */
  script: string;
  memoryBytes?: number;
  pids?: number;
  workspaceAccess?: "read-only" | "read-write";
};

/** The profile of a real run, with a shell script in place of Codex. */
export function toTestSpec(folders: Folders, options: ToTestSpecOptions): ContainerSpec {
  const spec = toContainerSpec({
    runId: folders.runId,
    attempt: 1,
    instanceId,
    image: { id: image, variables: {}, declaredVolumes: [], partsVolume: null },
    argv: ["-c", options.script],
    workspaceAccess: options.workspaceAccess ?? "read-write",
    owner,
    paths: folders.paths,
    limits: { memoryBytes: options.memoryBytes ?? 256 * 2 ** 20, cpus: 1, pids: options.pids ?? 64 },
    runtime: null,
    homePath: null,
  });
  return { ...spec, entrypoint: ["/bin/sh"] };
}

/** Limits that no test reaches by accident. */
export function toWishes(changed: Partial<SuperviseOptions> = {}): SuperviseOptions {
  return {
    timeoutMs: 60_000,
    stallMs: 60_000,
    lastActivityAt: () => 0,
    signal: new AbortController().signal,
    disk: null,
    ...changed,
  };
}

/** Reads a stream of a few kilobytes to its end. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks = await stream.toArray();
  return Buffer.concat(chunks).toString("utf8");
}

export type ScriptResult = { exit: Awaited<ReturnType<RunningContainer["supervise"]>>; stdout: string; stderr: string };

/** Runs a script under a run's profile to its end, and removes the container. */
export async function runScript(
  engine: ContainerEngine,
  options: ToTestSpecOptions & { folders: Folders; wishes?: Partial<SuperviseOptions> },
): Promise<ScriptResult> {
  await using container = await startContainer(engine, { spec: toTestSpec(options.folders, options) });
  const output = Promise.all([readAll(container.stdout), readAll(container.stderr)]);
  const exit = await container.supervise(toWishes(options.wishes));
  const [stdout, stderr] = await output;
  return { exit, stdout, stderr };
}

/** The ids of this test process's containers; a test that ends well leaves none. */
export async function listLeftContainers(engine: ContainerEngine): Promise<string[]> {
  return (await engine.listRunContainers({ instanceId })).map(({ id }) => id);
}
