import type { Context } from "hono";
import type { Viewer } from "./layout.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toTotalsPage } from "./totals-page.ts";

/** How far the page looks back, today included. */
const DAYS = 30;
const DAY_MS = 24 * 60 * 60_000;
const LISTED_REPOSITORIES = 50;

export type ShowTotalsOptions = Pick<PagesOptions, "store"> & { viewer: Viewer };

/** The page of what the runs of the last 30 days came to. */
export async function showTotals(context: Context, { store, viewer }: ShowTotalsOptions): Promise<Response> {
  const today = new Date().toISOString().slice(0, 10);
  const toDay = (daysAgo: number): Date => new Date(Date.parse(today) - daysAgo * DAY_MS);
  const report = await store.readTotals({ since: toDay(DAYS - 1), maxRepositories: LISTED_REPOSITORIES });
  const days = Array.from({ length: DAYS }, (_, daysAgo) => toDay(daysAgo).toISOString().slice(0, 10));
  return context.html(await toTotalsPage({ viewer, report, days }));
}
