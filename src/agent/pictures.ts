import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { FetchedPicture } from "../attachment/fetch-picture.ts";
import { PictureNote } from "../run/picture-note.ts";

export type LayPicturesOptions = {
  inputPath: string;
  /** Never rejects: what does not come is told with its reason. */
  fetchPictures: (addresses: readonly string[]) => Promise<FetchedPicture[]>;
};

/** The record of what became of the pictures, beside them. */
const NOTES = "pictures.json";

/**
 * Fetches a run's pictures and lays them where its container reads them; resolves with what became of each. They are fetched
 * for every container anew, since another machine may have made the one before.
 */
export async function layPictures(
  addresses: readonly string[],
  { inputPath, fetchPictures }: LayPicturesOptions,
): Promise<PictureNote[]> {
  if (addresses.length === 0) return [];
  const fetched = await fetchPictures(addresses);
  const notes = await Promise.all(
    fetched.map(async (picture, index): Promise<PictureNote> => {
      if (picture.kind === "none") return { kind: "missing", why: picture.why };
      const name = `picture-${index + 1}.${picture.type}`;
      await writeFile(join(inputPath, name), picture.bytes);
      await chmod(join(inputPath, name), 0o644);
      return { kind: "attached", path: `/in/${name}` };
    }),
  );
  await writeFile(join(inputPath, NOTES), JSON.stringify(notes));
  return notes;
}

/** What became of the pictures, as `layPictures` noted it, maybe in an earlier process. */
export async function readPictureNotes(inputPath: string): Promise<PictureNote[]> {
  const text = await readFile(join(inputPath, NOTES), "utf8").catch(() => "[]");
  return z.array(PictureNote).parse(JSON.parse(text));
}

/** The files of the pictures that go with the prompt, as the container sees them. */
export function toAttachedPaths(notes: readonly PictureNote[]): string[] {
  return notes.flatMap((note) => (note.kind === "attached" ? [note.path] : []));
}
