import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** A program of the packages in package.json beside this file. */
export type PeerName = "conformance" | "mcp-inspector" | "mcporter";

export type PeerExit = { exitCode: number | null; stdout: string; stderr: string };

/**
 * Runs a client to its end, in a folder that is its home too, so that it finds no configuration but its own. Rejects when it
 * is not installed.
 */
export async function runPeer(
  [name, ...args]: [PeerName, ...string[]],
  { folder, environment = {} }: { folder: string; environment?: Record<string, string> },
): Promise<PeerExit> {
  const path = join(import.meta.dirname, "node_modules", ".bin", name);
  if (!existsSync(path)) throw new Error(`${name} is not installed: \`npm run test:peers\` does that`);
  const child = spawn(process.execPath, [realpathSync(path), ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => void child.once("close", resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, stdout, stderr };
}
