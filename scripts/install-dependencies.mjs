import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reportStep } from "./report-step.mjs";
import { runProgram } from "./run-program.mjs";

const root = new URL("../", import.meta.url);

/**
 * Installs the product's dependencies and, where they are needed, the MCP clients that others wrote, which have a manifest
 * of their own so that the product's stays small.
 *
 * @param {{ needs: import("./set-up.mjs").Need[] }} options
 */
export async function installDependencies({ needs }) {
  await installPackages(root, {
    begin: "installing the dependencies (npm ci)",
    end: "dependencies installed",
  });
  if (!needs.includes("peers")) return;
  await installPackages(new URL("test/mcp-peers/", root), {
    begin: "installing the MCP clients of the tests (npm ci in test/mcp-peers)",
    end: "MCP clients installed",
  });
}

/**
 * Installs exactly what a folder's package-lock.json says, unless its node_modules holds it already.
 *
 * npm writes what it installed to node_modules/.package-lock.json, as its last act, so that comparing the two needs no
 * stamp of our own and also notices an installation that was cut short.
 *
 * @param {URL} folder
 * @param {{ begin: string, end: string }} words
 */
async function installPackages(folder, words) {
  const wanted = readPackages(new URL("package-lock.json", folder));
  const installed = readPackages(new URL("node_modules/.package-lock.json", folder));
  if (wanted !== null && isInstalled(wanted, { installed })) return;
  const argv = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  await reportStep(() => runProgram(argv, { cwd: fileURLToPath(folder) }), words);
}

/**
 * Whether every package that is wanted is installed in that version. Optional ones may be missing: they are for other
 * machines.
 *
 * @param {Record<string, any>} wanted
 * @param {{ installed: Record<string, any> | null }} options
 */
export function isInstalled(wanted, { installed }) {
  if (installed === null) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version && found.integrity === integrity;
  });
}

/** @returns {Record<string, any> | null} */
function readPackages(/** @type {URL} */ lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, "utf8")).packages;
  } catch {
    return null;
  }
}
