import { randomUUID } from "node:crypto";
import { access, constants, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setEnvValues, type EnvValues } from "./env-text.ts";

/** Whether a file can be written; null when it can, else why not. To be asked before there is a key to keep. */
export async function findWriteProblem(path: string): Promise<string | null> {
  try {
    const target = await followLink(path);
    const found = await stat(target).catch(() => null);
    if (found !== null && !found.isFile()) return `${path} is no file`;
    if (found !== null) await access(target, constants.R_OK);
    await access(dirname(target), constants.W_OK);
    return null;
  } catch (error) {
    return `${path} cannot be written (${error instanceof Error ? error.message : String(error)})`;
  }
}

/**
 * Sets variables in the `.env`, which is made if there is none: mode 0600, whole at every moment, on disk when this
 * resolves. All other lines stay, and the owner where we may keep it. A link is followed. Rejects with the file system's own error.
 */
export async function writeEnvFile(path: string, options: { values: EnvValues; heading: string }): Promise<void> {
  const target = await followLink(path);
  const before = await readFile(target, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
  await writePrivateFile(target, setEnvValues(before, options));
}

/** Puts a file in its place: mode 0600, whole at every moment, on disk when this resolves. */
export async function writePrivateFile(target: string, text: string): Promise<void> {
  const next = join(dirname(target), `.${randomUUID()}.new`);
  try {
    await using file = await open(next, "wx", 0o600);
    await file.writeFile(text);
    const owner = await stat(target).catch(() => null);
    if (owner !== null) await file.chown(owner.uid, owner.gid).catch(() => {});
    await file.sync();
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  await using folder = await open(dirname(target), "r");
  await folder.sync();
}

function followLink(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
