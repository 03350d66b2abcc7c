import { runGit } from "../git/git.ts";
import { removeInvisible, toPlainText } from "../text/plain.ts";

export type ReadTemplateOptions = {
  mirrorPath: string;
  /** The commit whose tree holds it. */
  sha: string;
};

/** Where GitHub looks for one, in its order (docs.github.com, "Creating a pull request template for your repository"). */
const FOLDERS = [".github/", "", "docs/"];

const MAX_BYTES = 64 * 1024;
const MAX_LENGTH = 10_000;

/**
 * The repository's pull request template: one file, or the only file of a folder of them. Null when there is none, when there
 * are several to choose from, and when it cannot be read.
 */
export async function readTemplate({ mirrorPath, sha }: ReadTemplateOptions): Promise<string | null> {
  try {
    const files = await listFiles({ mirrorPath, sha });
    const chosen = chooseTemplate(files);
    if (chosen === null) return null;
    const { stdout } = await runGit(["cat-file", "blob", chosen.blob], { gitDir: mirrorPath });
    return toHarmlessTemplate(stdout.toString("utf8")) || null;
  } catch {
    return null;
  }
}

type TemplateFile = { path: string; blob: string };

async function listFiles({ mirrorPath, sha }: ReadTemplateOptions): Promise<TemplateFile[]> {
  const places = FOLDERS.flatMap((folder) => [
    folder,
    `${folder}PULL_REQUEST_TEMPLATE/`,
    `${folder}pull_request_template/`,
  ]);
  const named = places.filter((place) => place !== "");
  // A path with a slash at its end lists what is in a folder.
  const [root, below] = await Promise.all(
    [[], ["--", ...named]].map(async (paths) => {
      const { stdout } = await runGit(["ls-tree", "-z", "-l", sha, ...paths], { gitDir: mirrorPath });
      return stdout.toString("utf8").split("\0").flatMap(toTemplateFile);
    }),
  );
  return [...(root ?? []), ...(below ?? [])];
}

/** One line of `git ls-tree -l`: mode, type, object, size, name. Links and large files are no templates. */
function toTemplateFile(line: string): TemplateFile[] {
  const [, blob = "", size, path = ""] = /^100(?:644|755) blob ([0-9a-f]{40}) +(\d+)\t(.*)$/s.exec(line) ?? [];
  return blob !== "" && Number(size) <= MAX_BYTES ? [{ path, blob }] : [];
}

function chooseTemplate(files: readonly TemplateFile[]): TemplateFile | null {
  for (const folder of FOLDERS) {
    const own = files.filter(({ path }) => path.startsWith(folder));
    const single = own.find(({ path }) =>
      /^pull_request_template(?:\.(?:md|markdown|txt))?$/i.test(path.slice(folder.length)),
    );
    if (single !== undefined) return single;
  }
  const several = files.filter(({ path }) => /(?:^|\/)pull_request_template\/[^/]+\.(?:md|markdown|txt)$/i.test(path));
  return several.length === 1 ? (several[0] ?? null) : null;
}

/** Comments go to the last one, also those that appear once another one is gone. */
const COMMENT = /<!--(?:-?>|[\s\S]*?(?:--!?>|$))/g;
/** The words that close an issue on a merge (docs.github.com, "Linking a pull request to an issue"). */
const CLOSING = /\b([cfr])(?=(?:lose[sd]?|ix(?:e[sd])?|esolve[sd]?)\b)/gi;

/**
 * The template as it may stand in a pull request: without comments, closing no issue, nothing left open that would swallow
 * what comes after it. Its mentions stay, since the repository's own people wrote them.
 */
export function toHarmlessTemplate(text: string): string {
  let plain = removeInvisible(toPlainText(text));
  for (let before = ""; before !== plain;) {
    before = plain;
    plain = plain.replace(COMMENT, "");
  }
  const whole = plain
    .replace(/(?<![ \t])[ \t]+$/gm, "") // without looking back, each of many blanks would be a beginning
    .replace(/\n{3,}/g, "\n\n")
    .trim();
  const cut = whole.length <= MAX_LENGTH ? whole : `${whole.slice(0, MAX_LENGTH).replace(/\n[^\n]*$/, "")}\n\n…`;
  return closeOpenParts(cut.replace(CLOSING, "$1\u200b"));
}

function closeOpenParts(text: string): string {
  const fences = text.match(/^ {0,3}(?:`{3,}|~{3,})/gm) ?? [];
  const fenced = fences.length % 2 === 0 ? text : `${text}\n${fences.at(-1)?.trim() ?? ""}`;
  const open = (fenced.match(/<details\b/gi) ?? []).length - (fenced.match(/<\/details>/gi) ?? []).length;
  return open > 0 ? `${fenced}\n${"\n</details>".repeat(open)}` : fenced;
}

/** What a template may have a place of its own for. */
export type TemplateParts = { summary: string; closing: string; verified: string };

const TITLES: Record<keyof TemplateParts, RegExp> = {
  summary: /^(?:description|summary|what|overview|changes?\b|proposed change)/i,
  closing: /^(?:(?:related|linked|fixed|closed?)\s+)?(?:issues?|tickets?)\b/i,
  verified: /^(?:test|how (?:has|was|did|to)\b.*\b(?:test|verif)|verif)/i,
};

/** The template with our parts below the headings that ask for them; `left`: the parts it has no empty place for. */
export function fillTemplate(template: string, parts: TemplateParts): { text: string; left: (keyof TemplateParts)[] } {
  const lines = fillReferences(template, parts).split("\n");
  const left: (keyof TemplateParts)[] = [];
  const places = new Map<number, string>();
  for (const name of ["summary", "closing", "verified"] as const) {
    if (name === "closing" && lines.includes(parts.closing)) continue;
    const at = parts[name] === "" ? -1 : lines.findIndex((line, index) => isEmptyPlace(lines, { line, index, name }));
    if (at === -1) left.push(name);
    else places.set(at, parts[name]);
  }
  const filled = lines.map((line, index) => (places.has(index) ? `${line}\n\n${places.get(index)}` : line));
  return { text: filled.join("\n"), left };
}

/** `Fixes # (issue)` and the like: a closing word that waits for a number. */
const REFERENCE =
  /^[ \t]*(?:[-*][ \t]+)?(?:c\u200blose[sd]?|f\u200bix(?:e[sd])?|r\u200besolve[sd]?):?[ \t]+#[ \t]*(?:\(issue\)|<[^<>]*>|issue|number|_+|\.{3}|x+)?[ \t]*$/gim;

function fillReferences(template: string, { closing }: TemplateParts): string {
  let filled = false;
  return template.replaceAll(REFERENCE, () => {
    const text = filled ? "" : closing;
    filled = true;
    return text;
  });
}

type Place = { line: string; index: number; name: keyof TemplateParts };

/** A heading that asks for this part, with nothing under it up to the next one. */
function isEmptyPlace(lines: readonly string[], { line, index, name }: Place): boolean {
  const [, title] = /^ {0,3}#{1,6}[ \t]+(?:[^\p{L}\p{N}]*)(.*)$/u.exec(line) ?? [];
  if (title === undefined || !TITLES[name].test(title)) return false;
  const rest = lines.slice(index + 1);
  const next = rest.findIndex((other) => other.trim() !== "");
  return next === -1 || /^ {0,3}#{1,6}[ \t]/.test(rest[next] ?? "");
}
