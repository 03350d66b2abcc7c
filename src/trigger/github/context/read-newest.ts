import { toLastPage, type Page } from "./last-page.ts";

export type ReadNewestOptions<Item> = {
  /** Reads the page with this number, from 1. All but the last one hold `perPage` items. */
  readPage: (page: number) => Promise<Page<Item>>;
  perPage: number;
  /** How GitHub sorts this list. */
  order: "oldest-first" | "newest-first";
};

/** The newest items of a list, oldest first, and how many older ones were not read. */
export type Newest<Item> = { items: Item[]; older: number };

/** Reads the newest items of a list, however long it is, in at most three requests. */
export async function readNewest<Item>({ readPage, perPage, order }: ReadNewestOptions<Item>): Promise<Newest<Item>> {
  const first = await readPage(1);
  const last = toLastPage(first);
  if (last === 1) return { items: order === "oldest-first" ? first.data : first.data.toReversed(), older: 0 };
  if (order === "newest-first") {
    const oldest = (await readPage(last)).data;
    if (last === 2) return { items: [...first.data, ...oldest].toReversed(), older: 0 };
    return { items: first.data.toReversed(), older: (last - 2) * perPage + oldest.length };
  }
  const [before, newest] = await Promise.all([last === 2 ? first : readPage(last - 1), readPage(last)]);
  const items = [...before.data, ...newest.data];
  return last === 3
    ? { items: [...first.data, ...items], older: 0 }
    : { items, older: Math.max(0, last - 2) * perPage };
}
