import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { SetUpError } from "./set-up-error.mjs";

const keptBytes = 64 * 1024;
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * Where a program is, looked for in PATH and in the system's own folders, which a user's PATH often lacks.
 *
 * @param {string} name
 * @returns {string | null}
 */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...systemFolders].filter((folder) => folder !== "");
  for (const folder of folders) {
    const path = join(folder, process.platform === "win32" ? `${name}.exe` : name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * Runs a program to its end, quietly. Rejects with the ends of its output when it fails.
 *
 * @param {string[]} argv
 * @param {{ env?: Record<string, string | undefined>, cwd?: string }} [options]
 */
export async function runProgram(argv, { env = process.env, cwd = process.cwd() } = {}) {
  const { exitCode, output } = await captureProgram(argv, { env, cwd });
  if (exitCode === 0) return;
  throw new SetUpError(`\`${argv.join(" ")}\` failed with exit code ${exitCode}:\n  ${toExcerpt(output)}`);
}

/** The first and the last lines: some programs say what is wrong at once and then explain themselves, others at last. */
function toExcerpt(/** @type {string} */ output) {
  const lines = output.trim().split("\n");
  const shown = lines.length <= 24 ? lines : [...lines.slice(0, 8), "...", ...lines.slice(-15)];
  return shown.join("\n  ");
}

/**
 * Runs a program to its end and keeps the last 64 KiB of what it printed, both streams in one.
 *
 * Resolves also when it fails or can't be started (exit code 127).
 *
 * @param {string[]} argv
 * @param {{ env?: Record<string, string | undefined>, cwd?: string }} options
 * @returns {Promise<{ exitCode: number, output: string }>}
 */
export function captureProgram([program, ...args], { env, cwd }) {
  return new Promise((resolve) => {
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => (output = (output + chunk).slice(-keptBytes));
    const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ exitCode: 127, output: String(error.message) }));
    child.on("close", (exitCode, signal) =>
      resolve({ exitCode: exitCode ?? 1, output: signal ? `${output}\n${signal}` : output }),
    );
  });
}
