import type { ApiAnswer, ApiRequest } from "./exchange.ts";
import type { GitHost } from "./git-host.ts";
import type { Json } from "./json.ts";
import type { Person, RepositorySeed } from "./seeds.ts";

/**
 * A call to the emulator; the answer is already in GitHub's terms. It is made with the caller's own token, or, where the
 * emulator asks for more than GitHub does, with all that the `installation` may do; then the handler has to ask `may`.
 */
export type Forward = (call: {
  method: string;
  path: string;
  query?: URLSearchParams;
  body?: Json | undefined;
  authority?: "caller" | "installation";
}) => Promise<ApiAnswer>;

/** One call on its way through a handler. */
export type RouteCall = {
  request: ApiRequest;
  /** The template's values, decoded. */
  params: Record<string, string>;
  /** `http://host:port` of the stand-in. */
  origin: string;
  /** The repository that the path names; handlers below `/repos` can count on it. */
  repository: RepositorySeed | null;
  /** The account behind the token. */
  account: Person | null;
  git: GitHost;
  /** True when the caller has any one of the permissions at this level. */
  may(permissions: string[], level: "read" | "write"): boolean;
  forward: Forward;
};

/** A handler in front of the emulator. In `path`, `{name}` stands for one segment and `{name*}` for all the rest. */
export type Route = { method: string; path: string; handle(call: RouteCall): Promise<ApiAnswer> };

/** The first route that fits, with its values; `null` leaves the call to the emulator. */
export function findRoute(
  routes: Route[],
  { method, path }: ApiRequest,
): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchPath(route.path, path);
    if (params !== null) return { route, params };
  }
  return null;
}

function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split("/");
  const given = path.split("/");
  const params: Record<string, string> = {};
  for (const [at, segment] of wanted.entries()) {
    const value = given[at];
    if (segment.endsWith("*}")) {
      params[segment.slice(1, -2)] = decodeURIComponent(given.slice(at).join("/"));
      return params;
    }
    if (value === undefined) return null;
    if (segment.startsWith("{")) params[segment.slice(1, -1)] = decodeURIComponent(value);
    else if (segment !== value) return null;
  }
  return wanted.length === given.length ? params : null;
}
