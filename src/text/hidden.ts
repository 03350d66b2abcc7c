import { removeInvisible, toPlainText } from "./plain.ts";

export type CleanText = {
  text: string;
  /** How many hidden pieces were taken out: comments, pictures' addresses, characters. */
  removed: number;
};

/** A comment up to its end, or up to the end of the text when it has none. */
const COMMENT = /<!--(?:-?>|[\s\S]*?(?:--!?>|$))/g;

/** Two levels of brackets; deeper ones are undone from the inside, one round each. */
const ALT = String.raw`((?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]*\])*)`;
const INLINE_IMAGE = new RegExp(String.raw`!\[${ALT}\]\((?:[^()\\]|\\[\s\S]|\([^()]*\))*\)`, "g");
const REFERENCE_IMAGE = new RegExp(String.raw`!\[${ALT}\](?:\[[^\[\]]*\])?`, "g");
const HTML_IMAGE = /<img\b[^<>]*>/gi;
const HTML_ALT = /\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;

/** A link definition that nothing shows: the usual way to write a comment in Markdown. */
const MARKDOWN_COMMENT = /^ {0,3}\[[^\]\n]*\]:[ \t]*(?:#|<#?>)[ \t]*(?:"[^"]*"|'[^']*'|\([^()]*\))?[ \t]*$/gm;

/** Each round undoes one level of nesting. Text that needs more is an attack, and is disarmed instead. */
const MAX_ROUNDS = 16;

/**
 * Text of a stranger as a model may read it: what people do not see on the page is not in it. HTML comments (also ones
 * that only appear once an inner one is gone), invisible and bidirectional characters, terminal sequences and control
 * characters are removed, pictures become their alternative text, and the result is in Unicode's NFC. Idempotent.
 */
export function removeHidden(input: string): CleanText {
  let text = input;
  let removed = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const cleaned = cleanOnce(text);
    removed += cleaned.removed;
    if (cleaned.text === text) return { text, removed };
    text = cleaned.text;
  }
  return { text: disarm(text), removed: removed + 1 };
}

function cleanOnce(input: string): CleanText {
  let removed = 0;
  const replace = (text: string, pattern: RegExp, by: (...groups: string[]) => string): string =>
    text.replace(pattern, (...groups: string[]) => {
      removed += 1;
      return by(...groups);
    });

  const plain = toPlainText(input);
  const visible = removeInvisible(plain);
  removed += plain.length - visible.length + Math.max(0, input.replaceAll("\r\n", "\n").length - plain.length);
  let text = visible.normalize("NFC");
  text = replace(text, COMMENT, () => "");
  text = replace(text, INLINE_IMAGE, (_image, alt = "") => alt);
  text = replace(text, REFERENCE_IMAGE, (_image, alt = "") => alt);
  text = replace(text, HTML_IMAGE, (image) => {
    const alt = HTML_ALT.exec(image);
    return alt?.[1] ?? alt?.[2] ?? alt?.[3] ?? "";
  });
  text = replace(text, MARKDOWN_COMMENT, () => "");
  return { text, removed };
}

/** Takes the meaning from every opening that is left, so that nothing in the text is a comment or a picture. */
function disarm(text: string): string {
  return removeInvisible(toPlainText(text))
    .normalize("NFC")
    .replaceAll("!", "")
    .replace(/<(?=img\b)/gi, "");
}
