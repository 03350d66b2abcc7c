import type { Context } from "hono";
import { toRefusalWords } from "../../budget/start-refusal.ts";
import { RunId } from "../../run/id.ts";
import { admit } from "./admit.ts";
import type { PagesApp, PagesOptions } from "./pages-options.ts";
import { isOwnForm, limitForm } from "./sign-in.ts";

/** What a button did, or why it did nothing. `runId`: the run to look at now. */
type Done = { kind: "done"; runId: RunId } | { kind: "refused"; why: string };

/** Adds what the buttons of a run's page do. A link lets nobody press them. */
export function addActions(app: PagesApp, options: PagesOptions): void {
  app.post("/runs/:id/cancel", limitForm, (context) => act(context, { ...options, work: cancel }));
  app.post("/runs/:id/retry", limitForm, (context) => act(context, { ...options, work: retry }));
}

async function cancel(runId: RunId, { cancelRun }: PagesOptions): Promise<Done> {
  await cancelRun(runId);
  return { kind: "done", runId };
}

async function retry(runId: RunId, { store, retryRun }: PagesOptions): Promise<Done> {
  const request = (await store.isOver(runId)) ? await store.request(runId) : null;
  if (request === null) return { kind: "refused", why: "the run is not over yet: cancel it first" };
  const accepted = await retryRun(request);
  return accepted.kind === "accepted"
    ? { kind: "done", runId: accepted.runId }
    : { kind: "refused", why: toRefusalWords(accepted).what };
}

type ActOptions = PagesOptions & { work: (runId: RunId, options: PagesOptions) => Promise<Done> };

/** Programs, which send the token itself, are answered as JSON; browsers go on to the run's page. */
async function act(context: Context, { work, ...options }: ActOptions): Promise<Response> {
  const { sessions, store } = options;
  const id = RunId.safeParse(context.req.param("id"));
  if (!id.success || sessions === null) return context.notFound();
  const admission = await admit(context, { ...options, runId: id.data });
  if (admission.kind === "answered") return admission.response;
  const { visitor } = admission.viewer;
  const isProgram = visitor.kind === "owner" && visitor.cookie === null;
  if (visitor.kind !== "owner" || !(isProgram || (await isOwnForm(context, { sessions }))))
    return context.json({ error: "not a form of this page" }, 403);
  if ((await store.findState(id.data)) === null) return context.notFound();
  const done = await work(id.data, options);
  if (done.kind === "refused") return context.json({ error: done.why }, 409);
  return isProgram ? context.json({ run_id: done.runId }, 202) : context.redirect(`/runs/${done.runId}`, 303);
}
