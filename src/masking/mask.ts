import { createFormIndex, type FormIndex, type Span } from "./form-index.ts";
import { isMasked, toForms } from "./forms.ts";
import { maskTokenLooks } from "./token-looks.ts";
import { toViews } from "./views.ts";

/**
 * Replaces secrets in text. Values are matched exactly, in the forms they take on their way into a log: plain, encoded for a
 * URL, JSON or HTML, wholly or in part, in hexadecimal digits, and in base64 on one line or several.
 */
export type Mask = {
  /** The text with every known secret, and whatever looks like a token of GitHub's or a model API's, replaced by `***`. */
  text(text: string): string;
  /** Where the first of the known secrets begins in a text, in any of its forms; null when there is none. */
  find(text: string): number | null;
  /** Adds values that became known later: an installation token, say. The newest 1000 of them are kept. */
  add(values: readonly string[]): void;
  /** A mask for these values too, which knows what this one learns later; this one itself when there are none. */
  with(values: readonly string[]): Mask;
};

const REPLACEMENT = "***";

/** More than are valid at a time: each run gets a few tokens, which live an hour. */
const MAX_LEARNED = 1000;

/** Makes a mask for these values; shorter ones than 8 characters are left alone, since they would eat ordinary words. */
export function createMask(values: readonly string[] = []): Mask {
  return toMask([toKnown(values)]);
}

/** What the values of one mask look like: those it was made with, and those it learned. */
type Known = { fixed: FormIndex; learned: FormIndex; values: Set<string> };

function toKnown(values: readonly string[]): Known {
  return { fixed: toIndex(values), learned: createFormIndex(), values: new Set() };
}

function toIndex(values: Iterable<string>): FormIndex {
  const index = createFormIndex();
  for (const value of values) if (isMasked(value)) for (const form of toForms(value)) index.add(form);
  return index;
}

/** The first of the known ones is the mask's own; the others are those that it is made upon. */
function toMask(known: readonly [Known, ...Known[]]): Mask {
  const search = (text: string): Span[] =>
    known.flatMap(({ fixed, learned }) => [...fixed.search(text), ...learned.search(text)]);
  const searchAll = (text: string): Span[] => {
    const spans = search(text);
    // One by one: more than a hundred thousand are too many for the arguments of a call.
    for (const view of toViews(text)) for (const span of search(view.text)) spans.push(view.toOriginal(span));
    return spans;
  };
  return {
    text: (input) => maskTokenLooks(replaceSpans(input, searchAll(input)), { replacement: REPLACEMENT }),
    find(input) {
      const spans = searchAll(input);
      return spans.reduce<number | null>((first, { start }) => Math.min(first ?? start, start), null);
    },
    add: (values) => learn(known[0], values),
    with(values) {
      return values.some(isMasked) ? toMask([toKnown(values), ...known]) : this;
    },
  };
}

function learn(known: Known, values: readonly string[]): void {
  for (const value of values) {
    if (known.values.has(value) || !isMasked(value)) continue;
    known.values.add(value);
    for (const form of toForms(value)) known.learned.add(form);
  }
  if (known.values.size <= MAX_LEARNED) return;
  known.values = new Set([...known.values].slice(-MAX_LEARNED / 2));
  known.learned = toIndex(known.values);
}

/** What overlaps is replaced as one. */
function replaceSpans(text: string, spans: Span[]): string {
  if (spans.length === 0) return text;
  let masked = "";
  let from = 0;
  let end = 0;
  for (const span of spans.toSorted((one, other) => one.start - other.start)) {
    if (span.start >= end) {
      masked += text.slice(from, span.start) + REPLACEMENT;
      end = span.end;
    } else end = Math.max(end, span.end);
    from = end;
  }
  return masked + text.slice(from);
}
