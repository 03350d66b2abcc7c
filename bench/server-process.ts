import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";

/** `codex-orchestrator serve` in a process of its own. Disposing stops it. */
export type ServerProcess = AsyncDisposable & {
  url: string;
  /** Memory of the process that is in use now, in bytes (Linux). */
  readRssBytes(): number;
  /** Processor time it has used so far, in milliseconds (Linux, proc(5)). */
  readCpuMs(): number;
};

export type StartServerProcessOptions = {
  /** The whole environment but PATH and HOME. */
  environment: Record<string, string>;
  /** The current folder of the server; a `.env` in it would be read. */
  folder: string;
};

const Started = z.object({ msg: z.literal("server started"), url: z.string() });
const STOPPED_WITHIN_MS = 10_000;

/** Starts the server as its users do, and resolves once it takes requests. Rejects with the end of its log when it ends before that. */
export async function startServerProcess(options: StartServerProcessOptions): Promise<ServerProcess> {
  const { environment, folder } = options;
  const program = join(import.meta.dirname, "..", "bin", "codex-orchestrator.mjs");
  const child = spawn(program, ["serve"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    const started = parseStarted(line);
    if (started !== null) resolve(started);
  });
  void ended.then(([code]) => reject(new Error(`serve ended with ${code}:\n${lastLines.join("\n")}`)));
  return {
    url: await url,
    readRssBytes: () => readRssBytes(child.pid ?? 0),
    readCpuMs: () => readCpuMs(child.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOPPED_WITHIN_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function parseStarted(line: string): string | null {
  try {
    const started = Started.safeParse(JSON.parse(line));
    return started.success ? started.data.url : null;
  } catch {
    return null;
  }
}

function readRssBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes ?? Number.NaN) * 1024;
}

/** The kernel counts in ticks of a hundredth of a second; user time is field 14, system time field 15. */
function readCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
