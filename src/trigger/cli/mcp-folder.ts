import { statSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "./product.ts";

/** The folder that `mcp --folder` names, absolute. Throws `UsageError` when it is none. */
export function toMcpFolder(folder: string): string {
  const path = resolve(folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new UsageError(
    `--folder ${path} is not a folder: print the block anew with \`codex-orchestrator mcp config\`.`,
  );
}
