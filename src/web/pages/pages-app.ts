import { Hono, type Context } from "hono";
import { RunId } from "../../run/id.ts";
import type { RunRecord } from "../../store/runs.ts";
import { addActions } from "./actions.ts";
import { admit } from "./admit.ts";
import { findAsset } from "./assets.ts";
import { createLogSearch } from "./find-in-log.ts";
import { guardHeaders } from "./headers.ts";
import type { Viewer } from "./layout.ts";
import { limitTries } from "./limit-tries.ts";
import { streamLiveLog } from "./live-log.ts";
import type { PagesApp, PagesOptions } from "./pages-options.ts";
import { isHeldBack } from "./held-back.ts";
import { findArtifact, sendArtifact } from "./run-artifacts.ts";
import { createRunWatch } from "./run-watch.ts";
import { showQueue } from "./show-queue.ts";
import { showRun } from "./show-run.ts";
import { showRuns } from "./show-runs.ts";
import { showTotals } from "./show-totals.ts";
import { addSignIn } from "./sign-in.ts";

/** The pages that tell of all runs. */
const overviews = [
  ["/runs", showRuns],
  ["/runs/queue", showQueue],
  ["/runs/totals", showTotals],
] as const;

/** The pages as an application. Aborting `signal` ends what is still being sent. */
export function createPagesApp(options: PagesOptions & { signal: AbortSignal }): PagesApp {
  const { store, files, sessions, scheme, signal, lookEveryMs = 1000, onError } = options;
  const watch = createRunWatch({ store, files, everyMs: lookEveryMs });
  const find = createLogSearch(files);
  const app: PagesApp = new Hono();
  app.use(guardHeaders, limitTries());
  app.notFound((context) => context.json({ error: "not found" }, 404));
  app.onError((error, context) => {
    onError(error);
    return context.json({ error: "internal error" }, 500);
  });

  app.get("/assets/:name", (context) => sendAsset(context));
  if (sessions !== null) {
    addSignIn(app, { sessions, scheme });
    addActions(app, options);
    for (const [path, show] of overviews) {
      app.get(path, async (context) => {
        const admission = await admit(context, { ...options, runId: null });
        return admission.kind === "answered"
          ? admission.response
          : show(context, { ...options, viewer: admission.viewer });
      });
    }
  }
  app.get("/runs/:id", (context) =>
    withRun(context, { ...options, show: (found) => showRun(context, { ...found, store, files, find }) }),
  );
  app.get("/runs/:id/:artifact", (context) => {
    const name = context.req.param("artifact");
    const artifact = findArtifact(name);
    if (artifact === null) return context.notFound();
    const show = async ({ record, viewer }: Found): Promise<Response> => {
      const { runId } = record;
      if (
        name === "log" &&
        context.req.method !== "HEAD" &&
        context.req.header("accept")?.includes("text/event-stream")
      )
        return streamLiveLog(context, { runId, watch, signal, onError, offset: toOffset(context) });
      if (name === "diff" && isHeldBack(record, { viewer })) return context.notFound();
      return (await sendArtifact(context, { ...artifact, runId, files, onError })) ?? context.notFound();
    };
    return withRun(context, { ...options, show });
  });
  return app;
}

type Found = { record: RunRecord; viewer: Viewer };
type WithRunOptions = PagesOptions & { show: (found: Found) => Promise<Response> };

/** Shows something of the run in the address to whoever may see it. */
async function withRun(context: Context, { show, ...options }: WithRunOptions): Promise<Response> {
  const id = RunId.safeParse(context.req.param("id"));
  if (!id.success) return context.notFound();
  const runId = id.data;
  const admission = await admit(context, { ...options, runId });
  if (admission.kind === "answered") return admission.response;
  const record = await options.store.find(runId);
  return record === null ? context.notFound() : show({ record, viewer: admission.viewer });
}

/** Byte of the log to begin at: right after what a browser had before it was cut off, else as the address says. */
function toOffset({ req }: Context): number {
  const text = req.header("last-event-id") ?? req.query("offset") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

function sendAsset(context: Context): Response | Promise<Response> {
  const asset = findAsset(context.req.path);
  if (asset === undefined) return context.notFound();
  context.header("cache-control", "public, max-age=31536000, immutable");
  return context.body(asset.text, 200, { "content-type": asset.type });
}
