import { getRequestListener } from "@hono/node-server";
import type { Route } from "../server.ts";
import { createPagesApp } from "./pages-app.ts";
import type { PagesOptions } from "./pages-options.ts";

/** The pages as a route of the server. Disposing it ends what is still being sent. */
export function createPagesRoute(options: PagesOptions): Disposable & { route: Route } {
  const stopping = new AbortController();
  const app = createPagesApp({ ...options, signal: stopping.signal });
  const listen = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    route: async (request, response, path) => {
      if (path !== "/runs" && !path.startsWith("/runs/") && !path.startsWith("/assets/")) return false;
      await listen(request, response);
      return true;
    },
    [Symbol.dispose]: () => stopping.abort(),
  };
}
