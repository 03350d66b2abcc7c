import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "./environment.ts";

/** A file that nobody else should read; `name` is the variable that names it, or `.env`. */
export type SecretFile = { name: string; path: string };

/** The files with secrets that are there; a ChatGPT login is not among them, since it looks after its file itself. */
export function listSecretFiles(env: Environment, folder: string): SecretFile[] {
  const files = [
    { name: ".env", path: ".env" },
    { name: "PRIVATE_KEY_PATH", path: env.PRIVATE_KEY === undefined ? env.PRIVATE_KEY_PATH : undefined },
    { name: "MCP_TOKENS_FILE", path: env.MCP_TOKENS_FILE },
  ];
  return files
    .flatMap(({ name, path }) => (path === undefined ? [] : [{ name, path: resolve(folder, path) }]))
    .filter(({ path }) => existsSync(path));
}
