/** Replaces secrets in text and bytes. Values are matched exactly, in the forms they take on their way into a log. */
export type Mask = {
  /** The text with every known secret, and whatever looks like a token of GitHub's, replaced by `***`. */
  text(text: string): string;
  /** Adds values that became known later: an installation token, say. */
  add(values: readonly string[]): void;
  /** A mask for these values too, which knows what this one learns later; this one itself when there are none. */
  with(values: readonly string[]): Mask;
  /** Masks the known secrets in a stream cut at any place; `end()` gives what it still held back. */
  stream(): MaskStream;
};

export type MaskStream = { push(chunk: string): string; end(): string };

const MIN_SECRET_LENGTH = 8;
const REPLACEMENT = "***";

/** Tokens of GitHub's by their looks, of any length: also those that are not ours have no place in a log. */
const GITHUB_TOKEN = /\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_.-]{16,}/g;

/** Makes a mask for these values; shorter ones than 8 characters are left alone, since they would eat ordinary words. */
export function createMask(values: readonly string[] = []): Mask {
  return toMask(createForms(values, { parent: null }));
}

function toMask(known: Forms): Mask {
  const exact = (input: string): string => {
    const { pattern, tooLong } = known.read();
    let text = input;
    for (const form of tooLong) text = text.replaceAll(form, REPLACEMENT);
    return pattern === null ? text : text.replace(pattern, REPLACEMENT);
  };
  return {
    text: (input) => exact(input).replace(GITHUB_TOKEN, REPLACEMENT),
    add: known.add,
    with(values) {
      const long = values.filter(isLong);
      return long.length === 0 ? this : toMask(createForms(long, { parent: known }));
    },
    stream: () => createMaskStream(exact, () => known.read().longest),
  };
}

/** What is looked for: a pattern finds all forms but those that are too long for one, which are looked for one by one. */
type Search = { pattern: RegExp | null; tooLong: string[]; longest: number };
/** `version` rises whenever a form is added. */
type Known = Search & { version: number; forms: ReadonlySet<string> };
type Forms = { add(values: readonly string[]): void; read(): Known };

/** The forms of these values and of the parent's, whatever is added there later. */
function createForms(values: readonly string[], { parent }: { parent: Forms | null }): Forms {
  const own = new Set<string>();
  let known: Known = { version: 0, forms: own, ...toSearch(own) };
  let parentVersion = -1;
  let isChanged = true;

  const read = (): Known => {
    const above = parent?.read() ?? null;
    if (!isChanged && (above === null || above.version === parentVersion)) return known;
    isChanged = false;
    parentVersion = above?.version ?? -1;
    const forms = above === null ? own : new Set([...own, ...above.forms]);
    known = { version: known.version + 1, forms, ...toSearch(forms) };
    return known;
  };
  const add = (added: readonly string[]): void => {
    for (const value of added.filter(isLong)) for (const form of toForms(value)) own.add(form);
    isChanged = true;
  };
  add(values);
  return { add, read };
}

/** V8 takes no pattern with alternatives of many thousand characters. */
const MAX_PATTERN_LENGTH = 1000;

function toSearch(forms: ReadonlySet<string>): Search {
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const short = sorted.filter((form) => form.length <= MAX_PATTERN_LENGTH).map((form) => RegExp.escape(form));
  return {
    pattern: short.length === 0 ? null : new RegExp(short.join("|"), "g"),
    tooLong: sorted.filter((form) => form.length > MAX_PATTERN_LENGTH),
    longest: sorted[0]?.length ?? 0,
  };
}

function isLong(value: string): boolean {
  return value.length >= MIN_SECRET_LENGTH;
}

/** Holds back as many characters as a secret could still need, so that one cut over two chunks is found. */
function createMaskStream(mask: (text: string) => string, longest: () => number): MaskStream {
  let held = "";
  return {
    push(chunk) {
      const masked = mask(held + chunk);
      const keep = Math.min(masked.length, Math.max(0, longest() - 1));
      held = masked.slice(masked.length - keep);
      return masked.slice(0, masked.length - keep);
    },
    end() {
      const rest = mask(held);
      held = "";
      return rest;
    },
  };
}

/** A value plain, URL-encoded, JSON-escaped, read as Latin-1, and in base64 at each of the three offsets it can start at. */
function toForms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters mix in bits of the neighbours; the middle is the value's own.
    const inner = text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const latin = bytes.toString("latin1");
  const all = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), latin, ...encoded];
  return all.filter(isLong);
}
