/** One page of a list, with GitHub's `Link` header. */
export type Page<Item> = { data: Item[]; headers: { link?: string | undefined } };

/** The number of a list's last page, which GitHub names on every page but that one; 1 when there is only one. */
export function toLastPage({ headers }: Pick<Page<unknown>, "headers">): number {
  const [, page] = /<[^>]*[?&]page=(\d+)[^>]*>;\s*rel="last"/.exec(headers.link ?? "") ?? [];
  return page === undefined ? 1 : Number(page);
}
