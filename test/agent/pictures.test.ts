import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { layPictures, readPictureNotes, toAttachedPaths } from "../../src/agent/pictures.ts";

let inputPath: string;
beforeEach(async () => {
  inputPath = await mkdtemp(join(tmpdir(), "pictures-"));
});
afterEach(() => rm(inputPath, { recursive: true, force: true }));

test("pictures lie where the container reads them, and what became of each is still known to the next process", async () => {
  const bytes = Buffer.from("picture");
  const notes = await layPictures(["https://x/1", "https://x/2", "https://x/3"], {
    inputPath,
    fetchPictures: async () => [
      { kind: "picture", type: "png", bytes },
      { kind: "none", why: "it is too large" },
      { kind: "picture", type: "gif", bytes },
    ],
  });
  expect(toAttachedPaths(notes)).toEqual(["/in/picture-1.png", "/in/picture-3.gif"]);
  expect(await readFile(join(inputPath, "picture-1.png"))).toEqual(bytes);
  expect((await stat(join(inputPath, "picture-3.gif"))).mode & 0o777).toBe(0o644);
  expect(await readPictureNotes(inputPath)).toEqual(notes);
});

test("without pictures nothing is fetched and nothing is laid", async () => {
  const fetchPictures = () => Promise.reject(new Error("was asked"));
  expect(await layPictures([], { inputPath, fetchPictures })).toEqual([]);
  expect(await readdir(inputPath)).toEqual([]);
  expect(await readPictureNotes(inputPath)).toEqual([]);
});
