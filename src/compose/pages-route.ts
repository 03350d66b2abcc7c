import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { cancelRun } from "../orchestrator/cancel-run.ts";
import type { Composition } from "../compose.ts";
import type { NewRun } from "../orchestrator.ts";
import type { RunRequest } from "../run/request.ts";
import { createPagesRoute } from "../web/pages/pages-route.ts";
import { createSessions } from "../web/pages/sessions.ts";
import type { Route } from "../web/server.ts";

/** How long the answer to a cancel waits for the run's end, in milliseconds. */
const CANCEL_WAIT_MS = 3_000;

/** The route for the pages; null when nobody could see any: neither with DASHBOARD_TOKEN nor by a link. */
export function openPagesRoute(product: Composition): (Disposable & { route: Route }) | null {
  const { config, orchestrator, store, files, links, log } = product;
  const { dashboardToken: token, http } = config;
  if (token === null && links === null) return null;
  const onError = (error: unknown): void => log.error({ err: error }, "a page could not be made");
  return createPagesRoute({
    ...{ store, files, limits: config.concurrency },
    sessions: token === null ? null : createSessions(token),
    keys: links?.keys ?? null,
    scheme: http.publicUrl?.startsWith("https:") === true ? "https" : "http",
    cancelRun: async (runId) => {
      const ended = cancelRun(runId, { orchestrator }).catch(onError);
      await Promise.race([ended, sleep(CANCEL_WAIT_MS, undefined, { ref: false })]);
    },
    retryRun: (request) => orchestrator.accept(toSameAgain(request)),
    onError,
  });
}

/** It is told where the first one was; the command there has its run, so this one is of another occasion. */
function toSameAgain({ run_id: _id, accepted_at: _at, thread, ...request }: RunRequest): NewRun {
  return {
    ...request,
    thread: thread === null ? null : { ...thread, occasion: `again ${randomUUID()}`, given_at: null },
    // Their values are known no more.
    env_vars: null,
  };
}
