import { readFileSync } from "node:fs";
import { SetUpError } from "./set-up-error.mjs";
import { fileURLToPath } from "node:url";

/** The oldest major version of Node that runs this product: the first that runs its TypeScript as it stands. */
export const oldestMajor = 24;

const toMajor = (/** @type {string} */ version) => Number.parseInt(version, 10);

/**
 * The Node to run everything with: the one that runs this, when it is new enough, else the one that came with the
 * dependencies.
 *
 * @param {{ version?: string }} [options]
 * @returns {string | null} path of the program
 */
export function findNode({ version = process.versions.node } = {}) {
  if (toMajor(version) >= oldestMajor) return process.execPath;
  const folder = new URL(`../node_modules/node-${process.platform}-${process.arch}/`, import.meta.url);
  try {
    const manifest = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
    return toMajor(manifest.version) >= oldestMajor ? fileURLToPath(new URL("bin/node", folder)) : null;
  } catch {
    return null;
  }
}

/** Like `findNode`, but throws what to install when there is none. */
export function requireNode() {
  const node = findNode();
  if (node !== null) return node;
  throw new SetUpError(
    `Node ${oldestMajor} or newer is needed, this is ${process.versions.node}, and for ${process.platform} on ` +
      `${process.arch} none comes with the dependencies. Install it from https://nodejs.org (or \`nvm install ` +
      `${oldestMajor}\`, \`brew install node@${oldestMajor}\`), put it first in PATH, then repeat the command.`,
  );
}
