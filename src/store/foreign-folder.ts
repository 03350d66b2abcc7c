import { constants } from "node:fs";
import { open, opendir, type FileHandle } from "node:fs/promises";

/** A regular file of a folder that a stranger wrote: its path inside the folder, and the file itself, opened. */
export type ForeignFile = { path: string; file: FileHandle };

export type ForeignLimits = { files: number; fileBytes: number; totalBytes: number; depth: number };

/** Thrown when the folder holds more than is taken. The message is a clause: `it holds more than 100 files`. */
export class ForeignFolderError extends Error {
  override readonly name = "ForeignFolderError";
}

const NAME_BYTES = 255;
const openFolderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const openFileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Goes through the regular files of a folder that a stranger wrote, and gives each one opened; it is closed when the next
 * one is asked for. Links, pipes and all else are passed over, and so are names that are no text. Whatever is renamed
 * meanwhile, nothing outside the folder is opened: each step goes from an opened folder to what lies in it.
 *
 * Throws `ForeignFolderError` at the limits. Linux only, since it goes through /proc/self/fd.
 */
export async function* walkForeignFolder(path: string, limits: ForeignLimits): AsyncGenerator<ForeignFile> {
  const counts = { files: 0, bytes: 0 };
  await using root = await open(path, openFolderFlags);
  yield* walkOpened(root, { prefix: "", depth: limits.depth, limits, counts });
}

type WalkOptions = {
  prefix: string;
  depth: number;
  limits: ForeignLimits;
  counts: { files: number; bytes: number };
};

async function* walkOpened(folder: FileHandle, options: WalkOptions): AsyncGenerator<ForeignFile> {
  const { prefix, depth, limits, counts } = options;
  const here = `/proc/self/fd/${folder.fd}`;
  for (const { name, kind } of await listNames(here, limits)) {
    if (kind === "folder") {
      if (depth === 0) throw new ForeignFolderError(`it is more than ${limits.depth} folders deep`);
      await using inner = await openOrNull(`${here}/${name}`, openFolderFlags);
      if (inner !== null) yield* walkOpened(inner, { ...options, prefix: `${prefix}${name}/`, depth: depth - 1 });
      continue;
    }
    await using file = await openOrNull(`${here}/${name}`, openFileFlags);
    const found = await file?.stat();
    if (file === null || found?.isFile() !== true) continue;
    counts.files++;
    counts.bytes += found.size;
    checkCounts(counts, { limits, size: found.size });
    yield { path: `${prefix}${name}`, file };
  }
}

/** Sorted, so that a folder is always gone through in one order. */
async function listNames(path: string, { files }: ForeignLimits): Promise<{ name: string; kind: "file" | "folder" }[]> {
  const names: { name: string; kind: "file" | "folder" }[] = [];
  let seen = 0;
  for await (const entry of await opendir(path)) {
    seen++;
    if (seen > 4 * files) throw new ForeignFolderError(`a folder in it holds more than ${4 * files} entries`);
    const isKind = entry.isDirectory() || entry.isFile();
    if (isKind && isPlainName(entry.name)) names.push({ name: entry.name, kind: entry.isFile() ? "file" : "folder" });
  }
  return names.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Text that every machine can have as a name, and that means nothing but itself. */
export function isPlainName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    !/[/\0\uFFFD]|[\uD800-\uDFFF]/u.test(name) &&
    Buffer.byteLength(name) <= NAME_BYTES
  );
}

/** Null when it went away or became something else. */
async function openOrNull(path: string, flags: number): Promise<FileHandle | null> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (error instanceof Error && "code" in error && /^(ENOENT|ELOOP|ENOTDIR|ENXIO|EACCES)$/.test(String(error.code)))
      return null;
    throw error;
  }
}

function checkCounts(
  { files, bytes }: { files: number; bytes: number },
  { limits, size }: { limits: ForeignLimits; size: number },
): void {
  if (files > limits.files) throw new ForeignFolderError(`it holds more than ${limits.files} files`);
  if (size > limits.fileBytes) throw new ForeignFolderError(`a file in it is larger than ${limits.fileBytes} bytes`);
  if (bytes > limits.totalBytes) throw new ForeignFolderError(`it holds more than ${limits.totalBytes} bytes`);
}
