import { createReadStream } from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import type { Mask } from "../masking/mask.ts";
import { createPatchReader, type PatchLine } from "../text/patch-reader.ts";
import { readBinaryContent } from "./binary-content.ts";
import { KNOWN_VALUE, MAX_PLACES, type SecretPlace } from "./secret-place.ts";

/** Added lines without a gap between them. */
type Block = { path: string; line: number; lines: string[] };

/** The new content of a binary file, in git's own writing. */
type Binary = { path: string; lines: string[] };

type Additions = {
  onLine(line: PatchLine): void;
  /** What has come in whole since it was asked last; at the end of the patch, all. */
  take(options: { part: "whole" | "rest" }): { names: string[]; blocks: Block[]; binaries: Binary[] };
};

/**
 * Where a patch adds one of the values that the mask knows, in any of their forms: in the lines that it adds, over several
 * of them too, in the names of files, and in binary files. At most 20 places. Reads the patch as a stream.
 */
export async function findKnownValues(patchPath: string, { mask }: { mask: Mask }): Promise<SecretPlace[]> {
  const places: SecretPlace[] = [];
  const additions = collectAdditions();
  const check = async (part: "whole" | "rest"): Promise<void> => {
    const { names, blocks, binaries } = additions.take({ part });
    for (const path of names) if (mask.find(path) !== null) places.push({ path, line: null, rule: KNOWN_VALUE });
    for (const block of blocks) places.push(...(await findInBlock(block, { mask })));
    for (const { path, lines } of binaries) {
      const content = await readBinaryContent(lines);
      if ((await findInText(content.toString("latin1"), { mask })) !== null)
        places.push({ path, line: null, rule: KNOWN_VALUE });
    }
  };
  const reader = createPatchReader(additions.onLine);
  for await (const chunk of createReadStream(patchPath, { encoding: "utf8" })) {
    reader.push(String(chunk));
    await check("whole");
    if (places.length >= MAX_PLACES) return places.slice(0, MAX_PLACES);
  }
  reader.end();
  await check("rest");
  return places.slice(0, MAX_PLACES);
}

function collectAdditions(): Additions {
  let [names, blocks, binaries]: [string[], Block[], Binary[]] = [[], [], []];
  const onLine = (line: PatchLine): void => {
    const [block, binary] = [blocks.at(-1), binaries.at(-1)];
    if (line.kind === "file") names.push(line.path);
    else if (line.kind === "binary") {
      if (binary?.path === line.path) binary.lines.push(line.text);
      else binaries.push({ path: line.path, lines: [line.text] });
    } else if (line.kind === "added") {
      const text = line.text.replace(/\r$/, "");
      if (block?.path === line.path && block.line + block.lines.length === line.line) block.lines.push(text);
      else blocks.push({ path: line.path, line: line.line, lines: [text] });
    }
  };
  const take: Additions["take"] = ({ part }) => {
    // The last of each may go on in the next chunk.
    const keep = part === "rest" ? 0 : 1;
    const taken = {
      names,
      blocks: blocks.slice(0, blocks.length - keep),
      binaries: binaries.slice(0, binaries.length - keep),
    };
    [names, blocks, binaries] = [[], blocks.slice(taken.blocks.length), binaries.slice(taken.binaries.length)];
    return taken;
  };
  return { onLine, take };
}

/** The first place in a block: one is enough to hold it back. */
async function findInBlock({ path, line, lines }: Block, { mask }: { mask: Mask }): Promise<SecretPlace[]> {
  const text = lines.join("\n");
  const at = await findInText(text, { mask });
  return at === null ? [] : [{ path, line: line + text.slice(0, at).split("\n").length - 1, rule: KNOWN_VALUE }];
}

/** How much is looked through at a time, and how much of what follows with it: as long as the variables of a run in hexadecimal digits. */
const PIECE = 192 * 1024;
const OVERLAP = 64 * 1024;

/** As `mask.find()`, with a pause after each piece: where all is encoded, a megabyte takes a second or more. */
async function findInText(text: string, { mask }: { mask: Mask }): Promise<number | null> {
  for (let from = 0; from < text.length; from += PIECE) {
    const at = mask.find(text.slice(from, from + PIECE + OVERLAP));
    if (at !== null) return from + at;
    await breathe();
  }
  return null;
}
