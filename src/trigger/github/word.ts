/** One word, without its quotes, and the text after it. */
export type Word = { text: string; rest: string };

/**
 * Takes the first word off a line, as a shell would split it, but without any expansion: parts in single or double
 * quotes may hold blanks. A quote that is never closed is a plain character. Null when only blanks are left.
 */
export function readWord(line: string): Word | null {
  const start = line.trimStart();
  if (start === "") return null;
  const [matched] = /^(?:"[^"]*"|'[^']*'|\S)+/.exec(start) ?? [start];
  const text = matched.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? "");
  return { text, rest: start.slice(matched.length).trimStart() };
}
