import { setTimeout as sleep } from "node:timers/promises";
import { sendJson, type Route } from "./server.ts";

/** What is wrong, and what to do about it; nothing in it is secret, since anybody may ask. */
export type Unready = { detail: string; mend: string };

/** Looks at one thing that the server needs to take runs; resolves with null when all is well. */
export type ReadyCheck = {
  name: string;
  /** What to do when it does not answer in time, or fails in a way that it does not know. */
  mend: string;
  check: () => Promise<Unready | null>;
};

export type ReadyRouteOptions = {
  checks: readonly ReadyCheck[];
  /** Told of what a check rejected with: what it says is not for everybody. */
  onError: (error: unknown, options: { check: string }) => void;
  /** How long a check may take, in milliseconds. Default: 800. */
  withinMs?: number;
  /** How long an answer is given again, in milliseconds. Default: 5,000. */
  keptMs?: number;
};

type Finding = { name: string; ok: boolean; detail: string | null; mend: string | null };
type Readiness = { ok: boolean; checks: Finding[] };

/**
 * `GET /readyz`: 200 when the server can take runs, else 503 with every reason and its mend. Answers within a second,
 * whatever hangs, and however often it is asked each check is made once in five seconds and never beside itself.
 */
export function createReadyRoute({ checks, onError, withinMs = 800, keptMs = 5000 }: ReadyRouteOptions): Route {
  const lookers = checks.map((check) => createLooker(check, { onError, withinMs }));
  let kept: { readiness: Promise<Readiness>; untilMs: number } | null = null;
  const read = (): Promise<Readiness> => {
    const nowMs = performance.now();
    if (kept === null || kept.untilMs <= nowMs)
      kept = { readiness: lookAtAll(lookers), untilMs: nowMs + withinMs + keptMs };
    return kept.readiness;
  };
  return async (request, response, path) => {
    if (path !== "/readyz") return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      sendJson(response, { status: 405, body: { error: "only GET" } });
      return true;
    }
    const readiness = await read();
    sendJson(response, { status: readiness.ok ? 200 : 503, body: readiness });
    return true;
  };
}

async function lookAtAll(lookers: readonly (() => Promise<Finding>)[]): Promise<Readiness> {
  const found = await Promise.all(lookers.map((look) => look()));
  return { ok: found.every(({ ok }) => ok), checks: found };
}

type LookerOptions = Pick<ReadyRouteOptions, "onError"> & { withinMs: number };

/** A check that still goes on from the last time is waited for again, so that what hangs is not asked twice at once. */
function createLooker({ name, mend, check }: ReadyCheck, { onError, withinMs }: LookerOptions): () => Promise<Finding> {
  let going: Promise<Unready | null> | null = null;
  const begin = (): Promise<Unready | null> =>
    check()
      .catch((error: unknown) => {
        onError(error, { check: name });
        return { detail: "The check failed; the server's log says how.", mend };
      })
      .finally(() => (going = null));
  return async () => {
    going ??= begin();
    const late = new AbortController();
    const problem = await Promise.race([
      going,
      sleep(withinMs, { detail: `There was no answer within ${withinMs} ms.`, mend }, { signal: late.signal }),
    ]);
    late.abort();
    return { name, ok: problem === null, detail: problem?.detail ?? null, mend: problem?.mend ?? null };
  };
}
