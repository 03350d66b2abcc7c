import { opendirSync } from "node:fs";
import type { Dirent } from "node:fs";

/**
 * A path inside a tree, one character a byte (latin1), since names need not be UTF-8. It can be a map's key, sorts by
 * bytes, and turns back into the bytes with `toBytes()`. The tree's root is the empty string.
 */
export type TreePath = string;

/** The path for these bytes. */
export function toTreePath(bytes: Buffer): TreePath {
  return bytes.toString("latin1");
}

/** The path as git knows it. */
export function toBytes(path: TreePath): Buffer {
  return Buffer.from(path, "latin1");
}

/** The path as people read it: UTF-8, with U+FFFD for bytes that are none. */
export function toText(path: TreePath): string {
  return toBytes(path).toString("utf8");
}

/** The path for a file call, below the folder `rootPath`. */
export function toFilePath(rootPath: string, path: TreePath): Buffer {
  return Buffer.concat([Buffer.from(`${rootPath}/`), toBytes(path)]);
}

/** `name` in `folder`. */
export function joinTreePath(folder: TreePath, name: string): TreePath {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The folder that the path lies in. */
export function toFolder(path: TreePath): TreePath {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/**
 * What lies in a folder, as it comes, names as `TreePath`s; a folder of a million names is not held in memory. Throws as
 * `opendir` does.
 */
export function* listFolder(folder: Buffer): Generator<Dirent> {
  const entries = opendirSync(folder, { encoding: "latin1", bufferSize: 512 });
  try {
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) yield entry;
  } finally {
    entries.closeSync();
  }
}
