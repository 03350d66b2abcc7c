import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { toToolEnvironment } from "../git/git-environment.ts";
import { RunError } from "../run/failure.ts";

export type RunToolOptions = {
  args: string[];
  signal: AbortSignal;
  /** Gets every line that the tool writes, of either output. */
  onLine?: ((line: string) => void) | undefined;
};

/**
 * Runs a tool of this machine with its settings (mirrors, certificates, proxies), without a shell. Resolves to what it
 * wrote on stdout. Rejects with its last words when it fails; when aborted, with the signal's reason once it has ended.
 */
export async function runTool(tool: string, { args, signal, onLine }: RunToolOptions): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(tool, args, { env: toToolEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  const lines: string[] = [];
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  for (const output of [child.stdout, child.stderr]) {
    followLines(output, (line) => {
      lines.push(line);
      if (lines.length > 5) lines.shift();
      onLine?.(line);
    });
  }
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => reject(toStartError(tool, { cause })));
    child.once("close", resolve);
  }).finally(() => signal.removeEventListener("abort", stop));
  signal.throwIfAborted();
  if (exitCode === 0) return stdout;
  throw new RunError("image-unusable", `${tool} failed with exit code ${exitCode}: ${lines.join(" | ").slice(-500)}.`, {
    hint: `Mend what ${tool} says, then run \`codex-orchestrator image build\` again.`,
  });
}

function toStartError(tool: string, { cause }: { cause: Error }): Error {
  const hint = `Install ${tool}, then run \`codex-orchestrator image build\` again.`;
  return new RunError("image-unusable", `${tool} could not be started: ${cause.message}.`, { cause, hint });
}

function followLines(output: Readable, onLine: (line: string) => void): void {
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") onLine(line.trim());
  });
}
