import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Route } from "../web/server.ts";
import { toManifest, toNewAppUrl, type ManifestTemplate } from "./manifest.ts";
import { createOffers, isSame, type Offers } from "./offers.ts";
import { toAddressPage, toManifestPage, toProblemPage } from "./pages.ts";
import { parsePublicUrl, type WebhookAddress } from "./webhook-address.ts";

const CALLBACK_PATH = "/callback";

export type SetupRouteOptions = {
  webUrl: string;
  organisation: string | null;
  template: ManifestTemplate;
  /** Null: the page asks for it. */
  address: WebhookAddress | null;
  /** Hears of a callback that was refused, in one sentence. */
  onRefused: (sentence: string) => void;
  /** Takes the code of the one callback that counts; resolves with the page for it. */
  onCode: (code: string, options: { address: WebhookAddress }) => Promise<{ status: number; page: string }>;
};

/** The set-up's pages. `pagePath` holds a random key: only who was shown the address gets the page. */
export type SetupRoute = { pagePath: string; createRoute(port: number): Route };

/**
 * Makes the pages of one set-up. They are for a browser on this machine alone: a request that comes by another name, or
 * through a proxy, is refused, whatever it asks for.
 */
export function createSetupRoute(options: SetupRouteOptions): SetupRoute {
  const pagePath = `/${randomBytes(24).toString("base64url")}`;
  const offers = createOffers();
  return {
    pagePath,
    createRoute: (port) => async (request, response, path) => {
      const query = new URLSearchParams((request.url ?? "").split("?").slice(1).join("?"));
      const problem = findForeign(request, { port });
      if (problem !== null) sendPage(response, { status: 403, page: toProblemPage(problem) });
      else if (request.method !== "GET") sendPage(response, { status: 405, page: toProblemPage("Only GET.") });
      else if (path === CALLBACK_PATH) sendPage(response, await answerCallback(query, { ...options, offers }));
      else if (isSame(path, pagePath)) sendPage(response, showPage(query, { ...options, offers, port }));
      else return false;
      return true;
    },
  };
}

/** A name that leads to this machine by somebody else's choice, or a proxy, is no browser of this machine. */
function findForeign({ headers }: IncomingMessage, { port }: { port: number }): string | null {
  if (headers.host !== `127.0.0.1:${port}` && headers.host !== `localhost:${port}`)
    return "This page is only there for a browser on the machine itself.";
  const isProxied = Object.keys(headers).some((name) => /^(?:forwarded|via|x-forwarded-.*|x-real-ip)$/.test(name));
  return isProxied ? "This page is not there for those who come through a proxy." : null;
}

type Page = { status: number; page: string };
type Shared = SetupRouteOptions & { offers: Offers };

function showPage(query: URLSearchParams, options: Shared & { port: number }): Page {
  const { address, offers, organisation, port, template, webUrl } = options;
  const typed = query.get("url");
  if (address === null && typed === null) return { status: 200, page: toAddressPage({ typed: "", problem: null }) };
  const parsed = address === null ? parsePublicUrl(typed ?? "", { webUrl }) : ({ kind: "address", address } as const);
  if (parsed.kind === "wrong")
    return { status: 422, page: toAddressPage({ typed: typed ?? "", problem: parsed.problem }) };
  const newAppUrl = toNewAppUrl(webUrl, { organisation, state: offers.make(parsed.address) });
  const redirectUrl = `http://127.0.0.1:${port}${CALLBACK_PATH}`;
  const manifest = toManifest(template, { address: parsed.address, redirectUrl });
  return { status: 200, page: toManifestPage({ newAppUrl, manifest, address: parsed.address }) };
}

async function answerCallback(query: URLSearchParams, { offers, onCode, onRefused }: Shared): Promise<Page> {
  const refuse = (status: number, sentence: string): Page => {
    onRefused(sentence);
    return { status, page: toProblemPage(sentence) };
  };
  const taken = offers.take(query.get("state") ?? "");
  switch (taken.kind) {
    case "unknown":
      return refuse(403, "A callback was refused: it does not belong to this set-up (wrong state).");
    case "used":
      return refuse(409, "A second callback was refused: one App is made already.");
    case "offered":
      return onCode(query.get("code") ?? "", { address: taken.address });
  }
}

function sendPage(response: ServerResponse, { status, page }: Page): void {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    // No form-action: GitHub may lead on to the sign-in page of somebody's company.
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "strict-origin",
    "x-content-type-options": "nosniff",
    connection: "close",
  });
  response.end(page);
}
