import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toCodexArgv } from "../../src/codex/argv.ts";
import { createEventReader, type CodexReport } from "../../src/codex/events.ts";
import type { ContainerEngine } from "../../src/container/engine.ts";
import { startContainer } from "../../src/container/start-container.ts";
import type { ContainerExit, SuperviseOptions } from "../../src/container/supervise.ts";
import { type Folders, toTestSpec, toWishes } from "../container/container-fixture.ts";

export type CodexEnd = { exit: ContainerExit; report: CodexReport; events: string[]; log: string };
export type StartCodexOptions = { folders: Folders; wishes?: Partial<SuperviseOptions> };

/** Where the container of these folders looks for its gateway. */
export function toSocketPath(folders: Folders): string {
  return join(folders.paths.socketFolderPath, "model.sock");
}

/** Runs the real Codex under the profile of a real run to its end, and removes its container. */
export async function runCodexContainer(
  engine: ContainerEngine,
  { folders, wishes }: StartCodexOptions,
): Promise<CodexEnd> {
  const prompt = join(folders.paths.inputPath, "prompt.txt");
  await writeFile(prompt, "Say hello.");
  await chmod(prompt, 0o644);
  await writeFile(join(folders.paths.inputPath, "go"), "");
  const spec = {
    ...toTestSpec(folders, { script: "", memoryBytes: 2 ** 30, pids: 256 }),
    entrypoint: ["/opt/codex-runner/run-entry"],
    command: toCodexArgv({ model: "gpt-5.5", effort: null, dir: null, resumeThreadId: null }),
  };
  await using container = await startContainer(engine, { spec });
  const events: string[] = [];
  const log: string[] = [];
  const reader = createEventReader({
    onEventLine: (line) => events.push(line),
    onLogLine: (line) => log.push(line),
  });
  container.stdout.on("data", (chunk: Buffer) => reader.push(chunk));
  container.stderr.on("data", (chunk: Buffer) => reader.pushError(chunk));
  const exit = await container.supervise(toWishes(wishes));
  return { exit, report: reader.end(), events, log: log.join("\n") };
}
