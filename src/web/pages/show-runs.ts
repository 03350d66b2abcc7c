import type { Context } from "hono";
import { RunId } from "../../run/id.ts";
import type { Viewer } from "./layout.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toRunsPage } from "./runs-page.ts";
import { states } from "./words.ts";

const RUNS_PER_PAGE = 50;
const MAX_REPO = 2048;

export type ShowRunsOptions = Pick<PagesOptions, "store"> & { viewer: Viewer };

/** The list of runs as the address asks for it; what it asks for wrongly counts as not asked for. */
export async function showRuns(context: Context, { store, viewer }: ShowRunsOptions): Promise<Response> {
  const query = (name: string): string => (context.req.query(name) ?? "").trim();
  const filters = {
    state: states.find((state) => state === query("state")) ?? "",
    repo: query("repo").slice(0, MAX_REPO),
  };
  const before = RunId.safeParse(query("before")).data;
  const found = await store.list({
    limit: RUNS_PER_PAGE + 1,
    ...(filters.state === "" ? {} : { status: filters.state }),
    ...(filters.repo === "" ? {} : { repo: filters.repo }),
    before,
  });
  const records = found.slice(0, RUNS_PER_PAGE);
  const next = found.length > RUNS_PER_PAGE ? (records.at(-1)?.runId ?? null) : null;
  return context.html(await toRunsPage({ viewer, filters, records, next, isFirst: before === undefined }));
}
