import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { reportStep } from "./report-step.mjs";
import { runProgram } from "./run-program.mjs";

const root = new URL("../", import.meta.url);

/**
 * Installs exactly what package-lock.json says, unless node_modules holds it already.
 *
 * npm writes what it installed to node_modules/.package-lock.json, as its last act, so that comparing the two needs no
 * stamp of our own and also notices an installation that was cut short.
 */
export async function installDependencies() {
  const wanted = readPackages(new URL("package-lock.json", root));
  if (
    wanted !== null &&
    isInstalled(wanted, { installed: readPackages(new URL("node_modules/.package-lock.json", root)) })
  )
    return;
  await reportStep(
    () => runProgram(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: fileURLToPath(root) }),
    { begin: "installing the dependencies (npm ci)", end: "dependencies installed" },
  );
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
