import { createReadStream } from "node:fs";
import { createPatchReader, type PatchLine } from "../text/patch-reader.ts";
import { lintText } from "./lint-text.ts";
import { MAX_PLACES, type SecretPlace } from "./secret-place.ts";

/** A place, and the lines of what is taken for a secret there. */
type Candidate = { place: SecretPlace; value: string[] };

/** So many are judged at once. */
const ENOUGH = MAX_PLACES * 10;

/** The lines that a patch adds to one file, with their numbers there. A gap between them is an empty line. */
type AddedText = { path: string; lines: string[]; numbers: number[] };

/**
 * Looks through the lines that a patch adds for what looks like a secret of a known kind. What stood in one of the lines
 * that the patch removes or leaves is none: it moved. Not the same for all that is in the repository; nobody reads that here.
 */
export async function scanPatch(patchPath: string): Promise<SecretPlace[]> {
  let candidates: Candidate[] = [];
  for await (const added of readAddedTexts(patchPath)) {
    candidates.push(...(await scanText(added)));
    if (candidates.length < ENOUGH) continue;
    // However many of them only moved, what comes after them is looked at, too.
    const places = await findNew(candidates, { patchPath });
    if (places.length > 0) return places;
    candidates = [];
  }
  return findNew(candidates, { patchPath });
}

/** The places of those that stood nowhere before. */
async function findNew(candidates: readonly Candidate[], { patchPath }: { patchPath: string }): Promise<SecretPlace[]> {
  if (candidates.length === 0) return [];
  const known = await findKnownLines(patchPath, { wanted: new Set(candidates.flatMap(({ value }) => value)) });
  return candidates
    .filter(({ value }) => !value.every((line) => known.has(line)))
    .slice(0, MAX_PLACES)
    .map(({ place }) => place);
}

async function scanText({ path, lines, numbers }: AddedText): Promise<Candidate[]> {
  const content = lines.join("\n");
  const findings = await lintText(content, { path });
  return findings.map(({ rule, start, end }) => {
    const index = content.slice(0, start).split("\n").length - 1;
    const value = content
      .slice(start, end)
      .split("\n")
      .map((line) => line.trim());
    return { place: { path, line: numbers[index] || null, rule }, value: value.filter((line) => line !== "") };
  });
}

/** The added lines, file by file. */
async function* readAddedTexts(patchPath: string): AsyncGenerator<AddedText> {
  let texts: AddedText[] = [];
  const reader = createPatchReader((line) => {
    if (line.kind === "file") texts.push({ path: line.path, lines: [], numbers: [] });
    else if (line.kind === "added") addLine(texts.at(-1), line);
  });
  for await (const chunk of createReadStream(patchPath, { encoding: "utf8" })) {
    reader.push(String(chunk));
    // The last one may go on in the next chunk.
    yield* texts.slice(0, -1).filter(({ lines }) => lines.length > 0);
    texts = texts.slice(-1);
  }
  reader.end();
  yield* texts.filter(({ lines }) => lines.length > 0);
}

function addLine(text: AddedText | undefined, { line, text: added }: Extract<PatchLine, { kind: "added" }>): void {
  if (text === undefined) return;
  if (text.lines.length > 0 && text.numbers.at(-1) !== line - 1) {
    text.lines.push("");
    text.numbers.push(0);
  }
  text.lines.push(added);
  text.numbers.push(line);
}

/** Which of the wanted texts stand in lines that the patch removes or leaves as they are. */
async function findKnownLines(patchPath: string, { wanted }: { wanted: ReadonlySet<string> }): Promise<Set<string>> {
  const known = new Set<string>();
  const reader = createPatchReader((line) => {
    if (line.kind !== "before") return;
    for (const text of wanted) if (line.text.includes(text)) known.add(text);
  });
  for await (const chunk of createReadStream(patchPath, { encoding: "utf8" })) reader.push(String(chunk));
  reader.end();
  return known;
}
