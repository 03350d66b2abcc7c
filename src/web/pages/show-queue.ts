import type { Context } from "hono";
import type { Viewer } from "./layout.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toQueuePage } from "./queue-page.ts";

/** The most runs that the page lists of those that are executed, and of those that wait. */
const LISTED = 100;

export type ShowQueueOptions = Pick<PagesOptions, "store" | "limits"> & { viewer: Viewer };

/** The page of what runs and what waits. */
export async function showQueue(context: Context, { store, limits, viewer }: ShowQueueOptions): Promise<Response> {
  return context.html(await toQueuePage({ viewer, limits, queue: await store.readQueue({ limit: LISTED }) }));
}
