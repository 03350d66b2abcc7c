import { cutEnd } from "./cut-end.ts";

export type NewestThatFitOptions<Item> = {
  /** Longest text of all together, in characters. */
  length: number;
  /** How many were left out before. */
  older: number;
  /** How many were left out because they were changed after the command. */
  changed: number;
  /** What one of them is called, for the sentence about those that are left out. */
  noun: string;
  write: (item: Item) => string;
  /** How many one item stands for. Default: 1. */
  count?: (item: Item) => number;
};

/**
 * The newest items that fit into so many characters, oldest first, after a line that says how many are left out. The newest
 * one is always there, at least its beginning.
 */
export function writeNewestThatFit<Item>(items: readonly Item[], options: NewestThatFitOptions<Item>): string {
  const { length, older, changed, noun, write, count = () => 1 } = options;
  const texts: string[] = [];
  let room = length;
  for (const item of items.toReversed()) {
    const text = write(item);
    if (text.length > room && texts.length > 0) break;
    texts.push(cutEnd(text, room));
    room -= text.length;
  }
  const left = items.slice(0, items.length - texts.length).reduce((sum, item) => sum + count(item), older);
  return [
    ...(left === 0 ? [] : [`(${toCount(left, `older ${noun}`)} left out.)`]),
    ...texts.toReversed(),
    ...(changed === 0 ? [] : [`(${toCount(changed, noun)} left out, changed after the request was written.)`]),
  ].join("\n\n");
}

/** `1 older comment is`, `3 older comments are`. */
function toCount(count: number, noun: string): string {
  return count === 1 ? `1 ${noun} is` : `${count} ${noun}s are`;
}
