import { expect, test } from "vitest";
import { readNewest } from "../../../../src/trigger/github/context/read-newest.ts";

/** A list of so many items behind pages of ten, as GitHub pages it. */
async function newestOf(total: number, order: "oldest-first" | "newest-first") {
  const ascending = Array.from({ length: total }, (_, index) => index + 1);
  const all = order === "oldest-first" ? ascending : ascending.toReversed();
  const last = Math.max(1, Math.ceil(total / 10));
  const read: number[] = [];
  const newest = await readNewest({
    perPage: 10,
    order,
    readPage: async (page) => {
      read.push(page);
      const link = `<https://h/x?per_page=10&page=${page + 1}>; rel="next", <https://h/x?per_page=10&page=${last}>; rel="last"`;
      return { data: all.slice((page - 1) * 10, page * 10), headers: page < last ? { link } : {} };
    },
  });
  return { ...newest, read };
}

test.each([0, 1, 9, 10, 11, 20, 21, 30, 31, 40, 1000, 1234])(
  "of %i items the newest are read, oldest first, in three requests at most, and the others are counted",
  async (total) => {
    for (const order of ["oldest-first", "newest-first"] as const) {
      const { items, older, read } = await newestOf(total, order);
      expect(items).toEqual(Array.from({ length: items.length }, (_, index) => older + index + 1));
      expect(older + items.length).toBe(total);
      expect(items.length).toBeGreaterThanOrEqual(Math.min(total, 10));
      expect(read.length).toBeLessThanOrEqual(3);
    }
  },
);

test("a short list takes one request", async () => {
  expect((await newestOf(10, "oldest-first")).read).toEqual([1]);
  expect((await newestOf(10, "newest-first")).read).toEqual([1]);
});
