import { sendJson, type Route } from "./server.ts";

/** `GET /healthz`: the process lives, whatever else is wrong. */
export const healthRoute: Route = async (request, response, path) => {
  if (path !== "/healthz") return false;
  const isGet = request.method === "GET" || request.method === "HEAD";
  sendJson(response, { status: isGet ? 200 : 405, body: isGet ? { ok: true } : { error: "only GET" } });
  return true;
};
