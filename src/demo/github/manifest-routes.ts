import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type ApiAnswer, refuseUnknown } from "./exchange.ts";
import { parseJson } from "./json.ts";
import { toAppBody } from "./app-routes.ts";
import type { Route, RouteCall } from "./routes.ts";
import { APP } from "./seeds.ts";

/** What GitHub takes as a manifest (docs.github.com, "Registering a GitHub App from a manifest"). */
const Manifest = z.strictObject({
  name: z.string().min(1).max(34).optional(),
  url: z.url(),
  hook_attributes: z.object({ url: z.url({ protocol: /^https?$/ }), active: z.boolean().optional() }).optional(),
  redirect_url: z.url().optional(),
  callback_urls: z.array(z.url()).max(10).optional(),
  setup_url: z.url().optional(),
  description: z.string().optional(),
  public: z.boolean().optional(),
  default_events: z
    .array(z.string())
    .refine((events) => !events.includes("installation"), "Default events unsupported: installation")
    .optional(),
  default_permissions: z.record(z.string(), z.enum(["read", "write", "admin"])).optional(),
  request_oauth_on_install: z.boolean().optional(),
  setup_on_update: z.boolean().optional(),
});
/** A manifest that was posted to the page. */
export type Manifest = z.infer<typeof Manifest>;

/** A request of a browser; `form` is its body. */
export type PageRequest = { method: string; url: URL; form: URLSearchParams };
export type PageAnswer = { status: number; location?: string; body: string };

/** GitHub's pages that make an App from a manifest, and the call that gives its credentials for the code. */
export type ManifestBook = {
  routes: Route[];
  /** Null when the path is none of these pages. */
  answerPage(request: PageRequest): PageAnswer | null;
  /** Manifests that were confirmed, oldest first. */
  confirmed: Manifest[];
};

export type ManifestBookOptions = { privateKey: string; webhookSecret: string };

const NEW_APP = /^(?:\/organizations\/[A-Za-z0-9-]+)?\/settings\/apps\/new$/;

/** Every manifest becomes the one App that the stand-in knows. */
export function createManifestBook({ privateKey, webhookSecret }: ManifestBookOptions): ManifestBook {
  const waiting = new Map<string, { manifest: Manifest; state: string | null }>();
  const codes = new Set<string>();
  const confirmed: Manifest[] = [];

  const convert = async (call: RouteCall): Promise<ApiAnswer> => {
    if (!codes.delete(call.params["code"] ?? "")) return refuseUnknown();
    const secrets = { client_secret: randomBytes(20).toString("hex"), webhook_secret: webhookSecret, pem: privateKey };
    return { status: 201, body: { ...toAppBody(call.origin), ...secrets } };
  };
  const confirm = (id: string): PageAnswer => {
    const found = waiting.get(id);
    if (found === undefined) return { status: 404, body: "Not Found" };
    waiting.delete(id);
    confirmed.push(found.manifest);
    const code = randomBytes(20).toString("hex");
    codes.add(code);
    const target = new URL(found.manifest.redirect_url ?? found.manifest.url);
    target.searchParams.set("code", code);
    if (found.state !== null) target.searchParams.set("state", found.state);
    return { status: 302, location: target.href, body: "" };
  };
  const offer = ({ form, url }: PageRequest): PageAnswer => {
    const parsed = Manifest.safeParse(parseJson(form.get("manifest") ?? ""));
    if (!parsed.success) return { status: 422, body: toPage(`<p>Invalid manifest: ${parsed.error.message}</p>`) };
    const id = randomBytes(8).toString("hex");
    waiting.set(id, { manifest: parsed.data, state: url.searchParams.get("state") });
    const button = `<button type="submit">Create GitHub App</button>`;
    return {
      status: 200,
      body: toPage(`<form method="post" action="/settings/apps/manifests/${id}">${button}</form>`),
    };
  };
  return {
    routes: [{ method: "POST", path: "/app-manifests/{code}/conversions", handle: convert }],
    confirmed,
    answerPage: (request) => {
      const { method, url } = request;
      const [, id] = /^\/settings\/apps\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
      if (method !== "POST") return null;
      if (id !== undefined) return confirm(id);
      return NEW_APP.test(url.pathname) ? offer(request) : null;
    },
  };
}

function toPage(body: string): string {
  return `<!doctype html><html lang="en"><title>Create ${APP.name}</title>${body}</html>`;
}
