import { createPublicKey, verify } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { appEvents, appPermissions } from "../../src/doctor/app-manifest.ts";
import type { StandInAnswer } from "./stand-in-server.ts";

/** A model API and a GitHub that has one App. Tests change what they know before the doctor asks. */
export type Services = {
  app: { id: number; slug: string; permissions: Record<string, string>; events: string[]; installations_count: number };
  installation: { permissions: Record<string, string>; events: string[] };
  hook: { url: string; content_type: string; insecure_ssl: string };
  deliveries: { delivered_at: string; status: string; status_code: number }[];
  /** Of GitHub's requests an hour, how many are left. */
  remaining: number;
  /** What the model API answers to a good key in place of its list of models; null for the list. */
  modelAnswer: StandInAnswer | null;
  /** How far the clocks of both are ahead of ours, in milliseconds. */
  aheadMs: number;
  /** How long each answer takes, in milliseconds. */
  delayMs: number;
  /** Tokens of the installation that were made and not withdrawn. */
  tokens: Set<string>;
  answer(request: IncomingMessage): StandInAnswer;
};

export type ServicesOptions = { apiKey: string; privateKey: string };

const LIMIT = 5000;

export function createServices({ apiKey, privateKey }: ServicesOptions): Services {
  const publicKey = createPublicKey(privateKey);
  const services: Services = {
    app: {
      id: 1234,
      slug: "codex",
      permissions: { ...appPermissions },
      events: [...appEvents],
      installations_count: 1,
    },
    installation: { permissions: { ...appPermissions }, events: [...appEvents] },
    hook: { url: "https://codex.example/api/github/webhooks", content_type: "json", insecure_ssl: "0" },
    deliveries: [{ delivered_at: new Date().toISOString(), status: "OK", status_code: 200 }],
    remaining: LIMIT - 1,
    modelAnswer: null,
    aheadMs: 0,
    delayMs: 0,
    tokens: new Set(),
    answer: (request) => {
      const answer = route(request);
      const date = new Date(Date.now() + services.aheadMs).toUTCString();
      return { ...answer, headers: { ...answer.headers, date }, delayMs: services.delayMs };
    },
  };
  const isSigned = (authorization = ""): boolean => {
    const [header = "", payload = "", signature = ""] = authorization.replace("Bearer ", "").split(".");
    const isGood = verify(
      "RSA-SHA256",
      Buffer.from(`${header}.${payload}`),
      publicKey,
      Buffer.from(signature, "base64url"),
    );
    return isGood && JSON.parse(Buffer.from(payload, "base64url").toString()).iss === String(services.app.id);
  };
  const route = ({ method, url = "", headers: { authorization } }: IncomingMessage): StandInAnswer => {
    const unknown = { status: 401, body: { message: "Bad credentials" } };
    if (url === "/v1/models" && authorization === `Bearer ${apiKey}`)
      return services.modelAnswer ?? { status: 200, body: { data: [{ id: "gpt-5.5" }] } };
    if (url.startsWith("/v1/models/") && authorization === `Bearer ${apiKey}`)
      return { status: 404, body: { error: { message: "The model does not exist", code: "model_not_found" } } };
    if (services.tokens.has(authorization ?? "")) return answerToken(services, { method, url, authorization });
    if (url.startsWith("/api/v3/app") && isSigned(authorization)) return answerApp(services, { method, url });
    return unknown;
  };
  return services;
}

type Asked = { method: string | undefined; url: string; authorization?: string | undefined };

function answerToken(services: Services, { method, url, authorization = "" }: Asked): StandInAnswer {
  if (url === "/api/v3/rate_limit") {
    const core = { limit: LIMIT, remaining: services.remaining, reset: Math.floor(Date.now() / 1000) + 600 };
    return { status: 200, body: { resources: { core } } };
  }
  if (method === "DELETE" && url === "/api/v3/installation/token") {
    services.tokens.delete(authorization);
    return { status: 204, body: "" };
  }
  return { status: 404, body: { message: "Not Found" } };
}

function answerApp(services: Services, { method, url }: Asked): StandInAnswer {
  const path = url.replace("/api/v3", "").split("?")[0];
  if (path === "/app") return { status: 200, body: services.app };
  if (path === "/app/hook/config") return { status: 200, body: services.hook };
  if (path === "/app/hook/deliveries") return { status: 200, body: services.deliveries };
  if (path === "/app/installations") {
    const installation = { id: 77, account: { login: "octo-org" }, html_url: "https://github.example/settings/77" };
    return { status: 200, body: [{ ...installation, ...services.installation, suspended_at: null }] };
  }
  if (method === "POST" && path === "/app/installations/77/access_tokens") {
    const token = `ghs_canary${services.tokens.size}`;
    services.tokens.add(`token ${token}`);
    return { status: 201, body: { token } };
  }
  return { status: 404, body: { message: "Not Found" } };
}
