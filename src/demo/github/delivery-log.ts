import { type ApiAnswer, refuse, refuseUnknown } from "./exchange.ts";
import { type Json, toJsonObject } from "./json.ts";
import type { Route, RouteCall } from "./routes.ts";
import { APP } from "./seeds.ts";
import { type Delivery, type DeliveryOptions, sendDelivery } from "./webhook.ts";

/** One attempt to deliver an event, as GitHub's own log of deliveries shows it. */
export type LoggedDelivery = {
  id: number;
  guid: string;
  event: string;
  action: string | null;
  repositoryId: number | null;
  /** What the receiver answered; 502 when it could not be reached and 504 when it did not answer in time. */
  statusCode: number;
  status: string;
  deliveredAt: string;
  durationS: number;
  kind: "first" | "redelivery";
};

/** The App's deliveries: sent, kept, and sent once more when the App asks for it. */
export type DeliveryLog = AsyncDisposable & {
  /** Sends one and keeps how it went; a receiver that cannot be reached, or does not answer in time, is a status, too. */
  deliver(options: DeliveryOptions): Promise<Delivery>;
  /** All attempts, oldest first. */
  list(): readonly LoggedDelivery[];
  /** Where redeliveries go from now on; by default to where the last delivery went. */
  setUrl(url: string): void;
  routes: Route[];
};

type Kept = { logged: LoggedDelivery; options: DeliveryOptions };

/** GitHub's ids of deliveries are no serial numbers, but later ones are greater. */
const FIRST_ID = 187_000_000_000;

export type DeliveryLogOptions = {
  /** The App's, for redeliveries. */
  secret: string;
  /** The clock, in milliseconds. */
  now: () => number;
};

/** An empty log and its routes. */
export function createDeliveryLog({ secret, now }: DeliveryLogOptions): DeliveryLog {
  const kept: Kept[] = [];
  const underWay = new Set<Promise<unknown>>();
  const stopping = new AbortController();
  let url: string | null = null;

  const attempt = async (options: DeliveryOptions, kind: LoggedDelivery["kind"]): Promise<Delivery> => {
    const guid = options.id ?? crypto.randomUUID();
    const begun = { options: { ...options, id: guid }, kind, startedAtMs: performance.now(), at: new Date(now()) };
    try {
      const delivery = await sendDelivery({ ...options, id: guid, signal: stopping.signal });
      kept.push(toKept(begun, { statusCode: delivery.status, id: FIRST_ID + kept.length * 1013 }));
      return delivery;
    } catch (error) {
      const statusCode = error instanceof Error && error.name === "TimeoutError" ? 504 : 502;
      kept.push(toKept(begun, { statusCode, id: FIRST_ID + kept.length * 1013 }));
      return { id: guid, event: options.event, payload: options.payload, status: statusCode, responseText: "" };
    }
  };
  const redeliver = (call: RouteCall): ApiAnswer => {
    const found = kept.find(({ logged }) => String(logged.id) === call.params["id"]);
    if (found === undefined) return refuseUnknown();
    const { event, payload, id = found.logged.guid } = found.options;
    const sending = attempt({ url: url ?? found.options.url, event, payload, id, secret }, "redelivery");
    const settled = sending.finally(() => underWay.delete(settled));
    underWay.add(settled);
    return { status: 202, body: {} };
  };

  return {
    deliver: (options) => {
      url = options.url;
      return attempt(options, kept.some(({ logged }) => logged.guid === options.id) ? "redelivery" : "first");
    },
    list: () => kept.map(({ logged }) => logged),
    setUrl: (to) => void (url = to),
    routes: [
      { method: "GET", path: "/app/hook/deliveries", handle: async (call) => asApp(call, () => list(call, kept)) },
      {
        method: "POST",
        path: "/app/hook/deliveries/{id}/attempts",
        handle: async (call) => asApp(call, () => redeliver(call)),
      },
    ],
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}

function asApp(call: RouteCall, answer: () => ApiAnswer): ApiAnswer {
  return call.request.caller.kind === "app" ? answer() : refuse(401, "A JSON web token could not be decoded");
}

type Begun = { options: DeliveryOptions & { id: string }; kind: LoggedDelivery["kind"]; startedAtMs: number; at: Date };

function toKept(
  { options, kind, startedAtMs, at }: Begun,
  { statusCode, id }: { statusCode: number; id: number },
): Kept {
  const { action = null, repository = null } = options.payload;
  const { id: repositoryId } = toJsonObject(repository);
  return {
    options,
    logged: {
      id,
      guid: options.id,
      event: options.event,
      action: typeof action === "string" ? action : null,
      repositoryId: typeof repositoryId === "number" ? repositoryId : null,
      statusCode,
      status: toStatusText(statusCode),
      deliveredAt: at.toISOString(),
      durationS: Math.round(performance.now() - startedAtMs) / 1000,
      kind,
    },
  };
}

function toStatusText(code: number): string {
  if (code === 502) return "failed to connect to host";
  if (code === 504) return "timed out";
  return code >= 200 && code < 300 ? "OK" : `Invalid HTTP Response: ${code}`;
}

/** Newest first; the link to the next page holds a cursor. */
function list({ request, origin }: RouteCall, kept: readonly Kept[]): ApiAnswer {
  const perPage = Number(request.query.get("per_page") ?? 30);
  const cursor = request.query.get("cursor");
  if (!(perPage >= 1 && perPage <= 100)) return refuse(422, "Invalid per_page");
  const below = cursor === null ? Infinity : Number(cursor.replace(/^v1_/, ""));
  const rest = kept.map(({ logged }) => logged).filter(({ id }) => id < below);
  const page = rest.slice(-perPage).toReversed();
  const last = page.at(-1);
  const isMore = rest.length > page.length && last !== undefined;
  const next = `${origin}/api/v3/app/hook/deliveries?per_page=${perPage}&cursor=v1_${last?.id}`;
  return { status: 200, headers: isMore ? { link: `<${next}>; rel="next"` } : {}, body: page.map(toItem) };
}

function toItem(logged: LoggedDelivery): Json {
  return {
    id: logged.id,
    guid: logged.guid,
    delivered_at: logged.deliveredAt,
    redelivery: logged.kind === "redelivery",
    duration: logged.durationS,
    status: logged.status,
    status_code: logged.statusCode,
    event: logged.event,
    action: logged.action,
    installation_id: APP.installationId,
    repository_id: logged.repositoryId,
    throttled_at: null,
  };
}
