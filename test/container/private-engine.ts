import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createDockerEngine } from "../../src/container/docker-engine.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";

/** A Docker engine of the test's own, in namespaces of its own, so that killing it harms nobody. Needs root. */
export type PrivateEngine = AsyncDisposable & {
  engine: ContainerEngine;
  /** Resolves once it is gone, and with SIGKILL everything it ran too, as when a machine crashes. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
};

export const tinyImage = "tiny:latest";

/** Starts an engine that has one image: a shell and `sleep` from this machine. */
export async function startPrivateEngine(): Promise<PrivateEngine> {
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  const engine = createDockerEngine({ endpoint: { kind: "socket", socketPath: join(folder, "docker.sock") } });
  let daemon = spawnDaemon(folder);
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    const ended = daemon.exitCode === null && daemon.signalCode === null ? once(daemon, "exit") : null;
    for (const pid of readChildren(daemon)) process.kill(pid, signal);
    await ended;
  };
  await waitUntilReady(engine);
  await importTinyImage(engine, { folder });
  return {
    engine,
    end,
    async start() {
      // What a machine's start would clear; else the process ids in there name other processes by now.
      for (const name of ["docker.pid", "exec"]) rmSync(join(folder, name), { recursive: true, force: true });
      daemon = spawnDaemon(folder);
      await waitUntilReady(engine);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * In a network of its own: an engine without a bridge takes the machine's docker0 away. As the first process of its own
 * process namespace: nothing it started outlives it.
 */
function spawnDaemon(folder: string): ChildProcess {
  const namespaces = ["--net", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=SIGKILL"];
  const paths = { "data-root": "data", "exec-root": "exec", pidfile: "docker.pid" };
  const settings = Object.entries(paths).flatMap(([name, path]) => [`--${name}`, join(folder, path)]);
  const network = ["--bridge", "none", "--iptables=false", "--ip6tables=false"];
  const host = `unix://${join(folder, "docker.sock")}`;
  const args = [...namespaces, "dockerd", ...settings, ...network, "--storage-driver", "vfs", "--host", host];
  // A containerd that is asked how it fares while it stops writes its stacks to the folder for temporary files.
  return spawn("unshare", args, { stdio: "ignore", env: { ...process.env, TMPDIR: folder } });
}

function readChildren({ pid }: ChildProcess): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

async function waitUntilReady(engine: ContainerEngine): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const isReady = await engine.readEngineInfo().then(
      () => true,
      () => false,
    );
    if (isReady) return;
    await sleep(50);
  }
  throw new Error("the private engine did not start");
}

async function importTinyImage(engine: ContainerEngine, { folder }: { folder: string }): Promise<void> {
  const programs = ["/bin/sh", "/bin/sleep"];
  const libraries = execFileSync("ldd", programs, { encoding: "utf8" }).match(/\/\S+\.so\S*/g) ?? [];
  const [rootPath, tarPath] = [join(folder, "root"), join(folder, "tiny.tar")];
  for (const path of new Set([...programs, ...libraries])) {
    execFileSync("install", ["-D", "-m", "755", path, join(rootPath, path)]);
  }
  execFileSync("tar", ["-cf", tarPath, "-C", rootPath, "."]);
  await engine.importImage(createReadStream(tarPath), { image: tinyImage, changes: [] });
}
