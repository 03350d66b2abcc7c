import { access, chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { composeFailurePrompt } from "../codex/failure-prompt.ts";
import { composePrompt } from "../codex/prompt.ts";
import type { LaterTurn } from "../run/checkpoint.ts";
import { toShellAssignments } from "../run/env-vars.ts";
import type { RunRequest } from "../run/request.ts";
import { readPictureNotes } from "./pictures.ts";

/**
 * Lays what the container reads where it reads it, and gives the word, once: the prompt, the schema of the answer, and the
 * variables, which so stand in nothing that the engine shows of a container.
 */
export async function handOver(
  inputPath: string,
  { request, turn, hosts }: { request: RunRequest; turn: LaterTurn | null; hosts: readonly string[] },
): Promise<void> {
  const go = join(inputPath, "go");
  const isGiven = await access(go).then(
    () => true,
    () => false,
  );
  if (isGiven) return;
  const { env_vars: variables, output_schema: schema } = request;
  await lay(
    join(inputPath, "prompt.txt"),
    turn === null
      ? composePrompt(request, { hosts, pictures: await readPictureNotes(inputPath) })
      : composeFailurePrompt(turn.failure, request),
  );
  if (schema !== null) await lay(join(inputPath, "schema.json"), JSON.stringify(schema));
  if (variables !== null) await lay(join(inputPath, "env"), toShellAssignments(variables));
  await writeFile(go, "");
}

/** Takes back the word that an earlier container was given: a new one waits for its own. */
export async function takeBackWord(inputPath: string): Promise<void> {
  await rm(join(inputPath, "go"), { force: true });
}

/** The container's user is neither the host's nor in its group, whatever our umask is; the run's root keeps others out. */
async function lay(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}
