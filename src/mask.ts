/** Replaces secrets in text and bytes. Values are matched exactly, in the forms they take on their way into a log. */
export type Mask = {
  /** The text with every known secret, and whatever looks like a token of GitHub's, replaced by `***`. */
  text(text: string): string;
  /** Adds values that became known later: an installation token, say. */
  add(values: readonly string[]): void;
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
  const forms = new Set<string>();
  let pattern: RegExp | null = null;
  let longest = 0;

  const add = (added: readonly string[]): void => {
    for (const value of added)
      if (value.length >= MIN_SECRET_LENGTH) for (const form of toForms(value)) forms.add(form);
    const sorted = [...forms].sort((a, b) => b.length - a.length);
    longest = sorted[0]?.length ?? 0;
    pattern = sorted.length === 0 ? null : new RegExp(sorted.map((form) => RegExp.escape(form)).join("|"), "g");
  };
  const exact = (input: string): string => (pattern === null ? input : input.replace(pattern, REPLACEMENT));
  const text = (input: string): string => exact(input).replace(GITHUB_TOKEN, REPLACEMENT);

  add(values);
  return { text, add, stream: () => createMaskStream(exact, () => longest) };
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

/** A value plain, URL-encoded, JSON-escaped, and in base64 at each of the three offsets it can start at. */
function toForms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // The first and last characters mix in bits of the neighbours; the middle is the value's own.
    const inner = text.slice(offset === 0 ? 0 : offset + 1, Math.floor(((offset + bytes.length) * 8) / 6));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const all = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), ...encoded];
  return all.filter((form) => form.length >= MIN_SECRET_LENGTH);
}
