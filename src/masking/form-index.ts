import { MIN_SECRET_LENGTH } from "./forms.ts";

/** A part of a text, from `start` to before `end`. */
export type Span = { start: number; end: number };

export type FormIndex = {
  /** Adds a form of 8 characters or more. */
  add(form: string): void;
  /** Every place where a form stands; they may overlap. */
  search(text: string): Span[];
};

/** How many characters are looked at in one step, and the table's size: a power of two. */
const BLOCK = 4;
const TABLE_SIZE = 1 << 16;
const NO_BLOCK_SHIFT = MIN_SECRET_LENGTH - BLOCK + 1;

/**
 * Finds thousands of forms in one pass that skips most of a text (Wu and Manber, "A fast algorithm for multi-pattern
 * searching", 1994). The time is linear in the text's length, however many forms there are. Forms are told apart by their
 * last characters, since tokens of one kind all begin alike.
 */
export function createFormIndex(): FormIndex {
  // How far the next place to look at lies behind a block; 0 where a form may end.
  let shifts = new Uint8Array();
  const byEnding = new Map<string, string[]>();

  const addBlocks = (ending: string): void => {
    for (let at = BLOCK - 1; at < ending.length; at += 1) {
      const slot = toSlot(ending, at);
      shifts[slot] = Math.min(shifts[slot] ?? NO_BLOCK_SHIFT, ending.length - 1 - at);
    }
  };
  return {
    add(form) {
      if (byEnding.size === 0) shifts = new Uint8Array(TABLE_SIZE).fill(NO_BLOCK_SHIFT);
      const ending = form.slice(-MIN_SECRET_LENGTH);
      const forms = byEnding.get(ending);
      if (forms === undefined) {
        byEnding.set(ending, [form]);
        addBlocks(ending);
      } else if (!forms.includes(form)) forms.push(form);
    },
    search(text) {
      const found: Span[] = [];
      if (byEnding.size === 0) return found;
      for (let at = MIN_SECRET_LENGTH - 1; at < text.length;) {
        const shift = shifts[toSlot(text, at)] ?? 1;
        if (shift === 0) {
          const end = at + 1;
          for (const form of byEnding.get(text.slice(end - MIN_SECRET_LENGTH, end)) ?? [])
            if (text.startsWith(form, end - form.length)) found.push({ start: end - form.length, end });
        }
        at += Math.max(1, shift);
      }
      return found;
    },
  };
}

/** The place in the table of the block that ends at a character. */
function toSlot(text: string, at: number): number {
  const block =
    (text.charCodeAt(at - 3) << 24) ^
    (text.charCodeAt(at - 2) << 16) ^
    (text.charCodeAt(at - 1) << 8) ^
    text.charCodeAt(at);
  return Math.imul(block, 0x9e3779b1) >>> 16;
}
