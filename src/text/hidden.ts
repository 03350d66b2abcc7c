import { countInvisible, removeInvisible, toPlainText } from "./plain.ts";

export type CleanText = {
  text: string;
  /** How many hidden pieces were taken out: comments, runs of characters that print nothing. */
  removed: number;
};

/** A picture as Markdown or HTML names it; `address` is null where only a definition elsewhere would tell it. */
export type Picture = { alt: string; address: string | null };

export type RemoveHiddenOptions = {
  /** What stands for a picture. Default: its alternative text. */
  toPictureText?: (picture: Picture) => string;
};

/** A comment up to its end, or up to the end of the text when it has none. */
const COMMENT = /<!--(?:-?>|[\s\S]*?(?:--!?>|$))/g;

/** Two levels of brackets; deeper ones are undone from the inside, one round each. */
const ALT = String.raw`((?:[^\[\]\\]|\\[\s\S]|\[[^\[\]]*\])*)`;
const INLINE_IMAGE = new RegExp(String.raw`!\[${ALT}\]\(((?:[^()\\]|\\[\s\S]|\([^()]*\))*)\)`, "g");
const REFERENCE_IMAGE = new RegExp(String.raw`!\[${ALT}\](?:\[[^\[\]]*\])?`, "g");
const HTML_IMAGE = /<img\b[^<>]*>/gi;
const HTML_ALT = /\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
const HTML_SRC = /\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;

/** A link definition that nothing shows: the usual way to write a comment in Markdown. */
const MARKDOWN_COMMENT = /^ {0,3}\[[^\]\n]*\]:[ \t]*(?:#|<#?>)(?:[ \t]*(?:"[^"]*"|'[^']*'|\([^()]*\)))?[ \t]*$/gm;

/** Each round undoes one level of nesting. Text that needs more is an attack, and is disarmed instead. */
const MAX_ROUNDS = 16;

/**
 * Text of a stranger as a model may read it: what people do not see on the page is not in it. HTML comments (also ones
 * that only appear once an inner one is gone), invisible and bidirectional characters, terminal sequences and control
 * characters are removed, pictures become their alternative text, and the result is in Unicode's NFC. Idempotent.
 */
export function removeHidden(input: string, options: RemoveHiddenOptions = {}): CleanText {
  let text = input;
  let removed = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const cleaned = cleanOnce(text, options);
    removed += cleaned.removed;
    if (cleaned.text === text) return { text, removed };
    text = cleaned.text;
  }
  return { text: disarm(text), removed: removed + 1 };
}

function cleanOnce(input: string, { toPictureText = ({ alt }) => alt }: RemoveHiddenOptions): CleanText {
  let removed = 0;
  const remove = (text: string, pattern: RegExp): string =>
    text.replace(pattern, () => {
      removed += 1;
      return "";
    });
  const plain = toPlainText(input);
  removed += countInvisible(plain) + (plain.length < input.replaceAll("\r\n", "\n").length ? 1 : 0);
  const visible = remove(removeInvisible(plain).normalize("NFC"), COMMENT);
  const text = visible
    .replace(INLINE_IMAGE, (_image, alt: string, target: string) =>
      toPictureText({ alt, address: /^\s*<?([^\s>]+)/.exec(target)?.[1] ?? null }),
    )
    .replace(REFERENCE_IMAGE, (_image, alt: string) => toPictureText({ alt, address: null }))
    .replace(HTML_IMAGE, (image) =>
      toPictureText({ alt: readAttribute(image, HTML_ALT) ?? "", address: readAttribute(image, HTML_SRC) }),
    );
  return { text: remove(text, MARKDOWN_COMMENT), removed };
}

function readAttribute(tag: string, pattern: RegExp): string | null {
  const found = pattern.exec(tag);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? null;
}

/** Takes the meaning from every opening that is left, so that nothing in the text is a comment or a picture. */
function disarm(text: string): string {
  return removeInvisible(toPlainText(text))
    .normalize("NFC")
    .replaceAll("!", "")
    .replace(/<(?=img\b)/gi, "");
}
