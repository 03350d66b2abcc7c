import { createReadStream } from "node:fs";
import { createPatchReader } from "../text/patch-reader.ts";

/**
 * Characters that make code read otherwise than it runs: directions, invisible ones, tags (CVE-2021-42574, "Trojan
 * Source"). A byte order mark and variation selectors of emoji are ordinary in files.
 */
const HIDDEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u{e0000}-\u{e007f}]/u;
const MAX_PLACES = 50;

/** The added lines of a patch that hold such characters, as `path:line`; at most 50. Reads the patch as a stream. */
export async function findHiddenCharacters(patchPath: string): Promise<string[]> {
  const places: string[] = [];
  const reader = createPatchReader((line) => {
    if (line.kind === "added" && places.length < MAX_PLACES && HIDDEN.test(line.text))
      places.push(`${line.path}:${line.line}`);
  });
  for await (const chunk of createReadStream(patchPath, "utf8")) reader.push(String(chunk));
  reader.end();
  return places;
}
