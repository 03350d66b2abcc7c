import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";

export const root = join(import.meta.dirname, "..", "..");

/** A page's text, by its path from the root of the repository. */
export function readPage(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export type GeneratedPart = { mark: string; generate: () => string };

/**
 * The page as it is when what stands between `<!-- mark -->` and `<!-- /mark -->` is what the code gives; formatted. Rejects
 * when the page has no such part.
 */
export async function refreshPage(path: string, parts: readonly GeneratedPart[]): Promise<string> {
  const page = parts.reduce((text, { mark, generate }) => {
    const part = new RegExp(`(<!-- ${mark} -->\n\n)[\\s\\S]*?(\n\n<!-- /${mark} -->)`);
    if (!part.test(text)) throw new Error(`${path} has no part ${mark}`);
    return text.replace(part, (_whole, begin: string, end: string) => `${begin}${generate().trim()}${end}`);
  }, readPage(path));
  return format(page, { parser: "markdown", ...(await resolveConfig(join(root, path))) });
}

const FENCE = /^ *```.*\n([\s\S]*?)^ *```$/gm;
const SPAN = /(`+)(.+?)\1/g;

/** The lines of code blocks, and the code spans of what stands between them. */
export function readCode(page: string): string[] {
  const blocks = [...page.matchAll(FENCE)].flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split("\n"));
  const spans = [...page.replace(FENCE, "").matchAll(SPAN)].map(([, , code = ""]) => code);
  return [...blocks, ...spans].map((line) => line.trim()).filter((line) => line !== "");
}

/** Where the links and pictures of a page lead to; addresses of the web left out. */
export function readLinks(page: string): string[] {
  const prose = page.replace(FENCE, "").replace(SPAN, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors that GitHub makes of a page's headings. */
export function readAnchors(page: string): string[] {
  const seen = new Map<string, number>();
  return [...page.replace(FENCE, "").matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}
