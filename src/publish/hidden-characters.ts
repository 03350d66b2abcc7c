import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * Characters that make code read otherwise than it runs: directions, invisible ones, tags (CVE-2021-42574, "Trojan
 * Source"). A byte order mark and variation selectors of emoji are ordinary in files.
 */
const HIDDEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\u{e0000}-\u{e007f}]/u;
const MAX_PLACES = 50;

/** The added lines of a patch that hold such characters, as `path:line`; at most 50. Reads the patch as a stream. */
export async function findHiddenCharacters(patchPath: string): Promise<string[]> {
  const places: string[] = [];
  let path = "";
  let line = 0;
  const lines = createInterface({ input: createReadStream(patchPath, "utf8"), crlfDelay: Infinity });
  for await (const text of lines) {
    const [, start] = /^@@ -\S+ \+(\d+)(?:,\d+)? @@/.exec(text) ?? [];
    if (text.startsWith("diff --git ")) line = 0;
    else if (line === 0 && text.startsWith("+++ ")) path = text.replace(/^\+\+\+ "?b?\/?/, "").replace(/"?\t?$/, "");
    else if (start !== undefined) line = Number(start);
    else if (line > 0 && text.startsWith("+")) {
      if (HIDDEN.test(text) && places.length < MAX_PLACES) places.push(`${path}:${line}`);
      line += 1;
    } else if (line > 0 && text.startsWith(" ")) line += 1;
  }
  return places;
}
