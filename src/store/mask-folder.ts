import type { FileHandle } from "node:fs/promises";
import type { Mask } from "../masking/mask.ts";
import { copyForeignFolder, type CopyForeignFolderOptions } from "./copy-folder.ts";
import { walkForeignFolder } from "./foreign-folder.ts";

export type MaskForeignFolderOptions = Omit<CopyForeignFolderOptions, "to" | "toContent"> & { mask: Mask };

/**
 * Hides secrets in the files of a folder that a container wrote and that no container writes to any more, line by line. A
 * folder without any stays as it is. Resolves with whether there was something to hide. Rejects with `ForeignFolderError` at
 * the limits; the folder then stays as it is, too.
 */
export async function maskForeignFolder(
  path: string,
  { mask, owner, limits }: MaskForeignFolderOptions,
): Promise<boolean> {
  const holdsSecret = async (): Promise<boolean> => {
    for await (const { file } of walkForeignFolder(path, limits))
      for await (const lines of readLines(file)) if (mask.text(lines) !== lines) return true;
    return false;
  };
  const toContent = async function* (file: FileHandle): AsyncGenerator<string> {
    for await (const lines of readLines(file)) yield mask.text(lines);
  };
  return (await holdsSecret()) && (await copyForeignFolder(path, { to: path, owner, limits, toContent }));
}

/** The text of a file in pieces of whole lines. */
async function* readLines(file: FileHandle): AsyncGenerator<string> {
  let held: string[] = [];
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0, encoding: "utf8" })) {
    const text = String(chunk);
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) held.push(text);
    else {
      yield held.join("") + text.slice(0, end);
      held = [text.slice(end)];
    }
  }
  yield held.join("");
}
