/** A path as git writes it in a patch: quoted as in C when it holds what a line cannot. */
export function unquotePath(text: string): string {
  const quoted = /^"(.*)"$/.exec(text)?.[1];
  if (quoted === undefined) return text;
  const bytes = [...quoted.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/g)].map(([, octal, letter, plain]) => {
    if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8) & 0xff]);
    return Buffer.from(plain ?? escapes[letter ?? ""] ?? letter ?? "", "utf8");
  });
  return Buffer.concat(bytes).toString("utf8");
}

const escapes: Record<string, string> = { a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The path in the first line of a file's part, `diff --git a/x b/x`; null when the two differ, as of a file that moved. */
export function readPathOfHeader(line: string): string | null {
  const names = line.slice("diff --git ".length);
  const half = (names.length - 1) / 2;
  const [from, to] = [names.slice(0, half), names.slice(half + 1)].map((name) => unquotePath(name).slice(2));
  return from !== undefined && from === to && names[half] === " " ? from : null;
}
