import { access, chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { composePrompt } from "../codex/prompt.ts";
import { toShellAssignments } from "../run/env-vars.ts";
import type { RunRequest } from "../run/request.ts";

/**
 * Lays what the container reads where it reads it, and gives the word, once: the prompt, the schema of the answer, and the
 * variables, which so stand in nothing that the engine shows of a container.
 */
export async function handOver(inputPath: string, request: RunRequest): Promise<void> {
  const go = join(inputPath, "go");
  const isGiven = await access(go).then(
    () => true,
    () => false,
  );
  if (isGiven) return;
  const { env_vars: variables, output_schema: schema } = request;
  await lay(join(inputPath, "prompt.txt"), composePrompt(request));
  if (schema !== null) await lay(join(inputPath, "schema.json"), JSON.stringify(schema));
  if (variables !== null) await lay(join(inputPath, "env"), toShellAssignments(variables));
  await writeFile(go, "");
}

/** The container's user is neither the host's nor in its group, whatever our umask is; the run's root keeps others out. */
async function lay(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}
