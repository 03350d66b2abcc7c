import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createEventReader, type CodexReport } from "../../src/codex/events.ts";
import { openGateway, type Gateway, type OpenGatewayOptions } from "../../src/gateway/gateway.ts";

const IMAGE = process.env["CODEX_IMAGE"] ?? "codex-runner:latest";
/** What the image's user is called; every folder that it writes to is open to it. */
const FLAGS =
  "--init --network none --read-only --cap-drop ALL --security-opt no-new-privileges --pids-limit 256 --memory 1g";

export type CodexRun = {
  exitCode: number | null;
  seconds: number;
  report: CodexReport;
  events: string[];
  log: string;
  gateway: Pick<Gateway, "usage" | "requests" | "failure" | "model">;
};

export type RunCodexOptions = {
  upstreamUrl: string;
  key: string;
  argv: string[];
  prompt?: string;
  budget?: OpenGatewayOptions["budget"];
  /** Further files in /in. */
  inputs?: Record<string, Buffer>;
  /** Codex's home, to be used again for a follow-up. Default: one that is removed afterwards. */
  home?: string;
  /** Told once the container's first event is there, with the way to kill it. */
  onStarted?: (kill: () => Promise<unknown>) => void;
};

/** Runs the real Codex in a container whose only way out is a gateway, to its end. Removes everything it made. */
export async function runCodex({
  upstreamUrl,
  key,
  argv,
  prompt = "Say hello.",
  home,
  budget = {},
  inputs = {},
  onStarted,
}: RunCodexOptions): Promise<CodexRun> {
  const folder = await mkdtemp(join(tmpdir(), "codex-"));
  await chmod(folder, 0o755);
  const toFolder = async (name: string, mode: number): Promise<string> => {
    await mkdir(join(folder, name), { recursive: true });
    await chmod(join(folder, name), mode);
    return join(folder, name);
  };
  const socketPath = join(folder, "sock", "model.sock");
  const input = await toFolder("in", 0o755);
  const tree = await toFolder("ws", 0o777);
  const codexHome = home ?? (await toFolder("home", 0o777));
  await writeFile(join(input, "prompt.txt"), prompt);
  for (const [file, bytes] of Object.entries(inputs)) await writeFile(join(input, file), bytes);
  await writeFile(join(input, "go"), "");

  const name = `codex-test-${randomUUID()}`;
  const kill = (): Promise<unknown> => promisify(execFile)("docker", ["rm", "-f", name]);
  const mounts = [
    `${dirname(socketPath)}:/run/model:ro`,
    `${input}:/in:ro`,
    `${tree}:/workspace`,
    `${codexHome}:/codex`,
  ];
  const tmpfs = ["/tmp", "/home/run:uid=10001,gid=10001,mode=700"];
  try {
    await using gateway = await openGateway({
      socketPath,
      upstreamUrl,
      authorization: async () => ({ authorization: `Bearer ${key}` }),
      budget,
    });
    const started = performance.now();
    const args = [
      "run",
      "--rm",
      "--name",
      name,
      ...FLAGS.split(" "),
      ...tmpfs.flatMap((path) => ["--tmpfs", path]),
      ...mounts.flatMap((mount) => ["-v", mount]),
      IMAGE,
      ...argv,
    ];
    const docker = spawn("docker", args, { stdio: ["ignore", "pipe", "pipe"] });
    const events: string[] = [];
    const log: string[] = [];
    const reader = createEventReader({
      onEventLine: (line) => {
        if (events.push(line) === 1) onStarted?.(kill);
      },
      onLogLine: (entry) => log.push(entry),
    });
    docker.stdout.on("data", (chunk: Buffer) => reader.push(chunk));
    docker.stderr.on("data", (chunk: Buffer) => reader.pushError(chunk));
    const [exitCode] = (await once(docker, "close")) as [number | null];
    const seconds = (performance.now() - started) / 1000;
    const { usage, requests, failure, model } = gateway;
    return {
      exitCode,
      seconds,
      report: reader.end(),
      events,
      log: log.join("\n"),
      gateway: { usage, requests, failure, model },
    };
  } finally {
    await kill().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}
