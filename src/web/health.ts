import { sendJson, type Route } from "./server.ts";

/** Whether one thing the server needs is there, and why not. */
export type Readiness = { name: string; problem: string | null };

export type HealthOptions = { checks: () => Promise<Readiness[]> };

/** `GET /healthz`: the process lives. `GET /readyz`: it can take runs, else 503 with the reasons. */
export function createHealthRoutes({ checks }: HealthOptions): Route {
  return async (request, response, path) => {
    if (path !== "/healthz" && path !== "/readyz") return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      sendJson(response, { status: 405, body: { error: "only GET" } });
      return true;
    }
    const found = path === "/healthz" ? [] : await checks();
    const problems = found.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`]));
    sendJson(response, { status: problems.length === 0 ? 200 : 503, body: { ok: problems.length === 0, problems } });
    return true;
  };
}
