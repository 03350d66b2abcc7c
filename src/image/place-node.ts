import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fetchPackage, readPackage } from "./fetch-package.ts";

export type PlaceNodeOptions = { /** Existing folder for archives. */ folderPath: string; signal: AbortSignal };

/** Majors of the official image that the Dockerfile names. */
const NODE_RANGE = "24";
const NPM_RANGE = "11";

/** What is put there; no folder of them is in the system already, since an engine takes no path twice. */
export const nodePaths = ["bin/node", "bin/npm", "bin/npx", "lib/node_modules"].map((path) => `./usr/local/${path}`);

/** Puts Node and npm where the official image has them, below `nodePath`. */
export async function placeNode(nodePath: string, options: PlaceNodeOptions): Promise<void> {
  const binPath = join(nodePath, "usr/local/bin");
  await mkdir(binPath, { recursive: true });
  await placeNodeProgram(join(binPath, "node"), options);
  await placePackage(join(nodePath, "usr/local/lib/node_modules/npm"), { ...options, name: `npm@${NPM_RANGE}` });
  for (const name of ["npm", "npx"]) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(binPath, name));
  }
}

/** npm's package with the program is often installed beside us, since it brings our own Node. */
async function placeNodeProgram(path: string, options: PlaceNodeOptions): Promise<void> {
  const name = `node-linux-${process.arch}`;
  const installed = findInstalled(`${name}/bin/node`);
  if (installed !== null) {
    await copyFile(installed, path);
  } else {
    const folderPath = join(options.folderPath, "node-package");
    await placePackage(folderPath, { ...options, name: `${name}@${NODE_RANGE}` });
    await copyFile(join(folderPath, "bin/node"), path);
  }
  await chmod(path, 0o755);
}

function findInstalled(file: string): string | null {
  try {
    return createRequire(import.meta.url).resolve(file);
  } catch {
    return null;
  }
}

async function placePackage(targetPath: string, options: PlaceNodeOptions & { name: string }): Promise<void> {
  const archivePath = await fetchPackage(options.name, options);
  for await (const { header, content } of readPackage(archivePath)) {
    const path = join(targetPath, header.name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await buffer(content), { mode: header.mode });
  }
}
