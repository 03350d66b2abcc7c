/** The values that a `.env` gets, by their names. Each is one line of plain letters, so it needs no quotes. */
export type EnvValues = Readonly<Record<string, string>>;

/**
 * A `.env`'s text with some variables set anew. Every other line stays as it was, comments too; a variable that stood there
 * keeps its place, further ones of the same name go, and new ones come last under `heading`.
 */
export function setEnvValues(text: string, { values, heading }: { values: EnvValues; heading: string }): string {
  const missing = new Map(Object.entries(values));
  const seen = new Set<string>();
  const kept = splitEntries(text).flatMap(({ name, text: entry }) => {
    const value = name === null ? undefined : values[name];
    if (name === null || value === undefined) return [entry];
    missing.delete(name);
    if (seen.has(name)) return [];
    seen.add(name);
    return [`${name}=${value}\n`];
  });
  const before = kept.join("");
  if (missing.size === 0) return before;
  const gap = before === "" ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const added = [...missing].map(([name, value]) => `${name}=${value}\n`).join("");
  return `${before}${gap}# ${heading}\n${added}`;
}

type Entry = { name: string | null; text: string };

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*/;

/** Cuts the text into assignments and other lines; a value in quotes may go over many lines, as Node reads it. */
function splitEntries(text: string): Entry[] {
  const lines = text.replace(/^\uFEFF/, "").match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const entries: Entry[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? "";
    const assignment = ASSIGNMENT.exec(line);
    const count = assignment === null ? 1 : countLines(lines.slice(at), { start: assignment[0].length });
    entries.push({ name: assignment?.[1] ?? null, text: lines.slice(at, at + count).join("") });
    at += count;
  }
  return entries;
}

/** How many lines an assignment takes; a quote that never ends is no quote. */
function countLines(lines: string[], { start }: { start: number }): number {
  const [first = ""] = lines;
  const quote = /^["'`]/.exec(first.slice(start))?.[0];
  if (quote === undefined || first.slice(start + 1).includes(quote)) return 1;
  const rest = lines.slice(1).findIndex((line) => line.includes(quote));
  return rest < 0 ? 1 : rest + 2;
}
