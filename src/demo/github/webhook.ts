import { createHmac, randomUUID } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { toAccount } from "./presentation.ts";
import { APP, ORGANIZATION } from "./seeds.ts";

/** One delivery to send; what is left out is done as GitHub does it. */
export type DeliveryOptions = {
  url: string;
  event: string;
  payload: JsonObject;
  secret: string;
  /** GUID; the same one again is what GitHub's "Redeliver" sends. */
  id?: string;
  /** Replaces or, with `null`, removes headers. */
  headers?: Record<string, string | null>;
  /** Bytes to send instead of the signed payload. */
  rawBody?: string;
  /** Aborting it gives the delivery up. */
  signal?: AbortSignal;
};

/** A delivery that was sent, with the receiver's answer. */
export type Delivery = {
  id: string;
  event: string;
  payload: JsonObject;
  status: number;
  responseText: string;
};

/** GitHub gives a receiver ten seconds. */
const DELIVERY_TIMEOUT_MS = 10_000;

/** Signs a payload and posts it. Rejects when the receiver cannot be reached or does not answer in time. */
export async function sendDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { event, payload, secret, id = randomUUID() } = options;
  const signed = JSON.stringify(payload);
  const headers: Record<string, string | null> = {
    accept: "*/*",
    // A connection that was kept may be closed at the other end just as the next delivery goes out on it.
    connection: "close",
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/b8a4f3c",
    "x-github-delivery": id,
    "x-github-enterprise-version": "3.19.0",
    "x-github-event": event,
    "x-github-hook-id": "487300112",
    "x-github-hook-installation-target-id": String(APP.id),
    "x-github-hook-installation-target-type": "integration",
    "x-hub-signature": `sha1=${createHmac("sha1", secret).update(signed).digest("hex")}`,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(signed).digest("hex")}`,
    ...options.headers,
  };
  const sent = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== null);
  const response = await fetch(options.url, {
    method: "POST",
    headers: Object.fromEntries(sent),
    body: options.rawBody ?? signed,
    signal: AbortSignal.any([AbortSignal.timeout(DELIVERY_TIMEOUT_MS), ...(options.signal ? [options.signal] : [])]),
  });
  return { id, event, payload, status: response.status, responseText: await response.text() };
}

/** The parts of an event about a comment, as the API shows them. */
export type CommentEvent = { action: "created" | "edited" | "deleted"; issue: Json; comment: Json; repository: Json };

/** The payload of an `issue_comment` event, in the shape that GitHub documents for Apps. */
export function toCommentPayload({ action, issue, comment, repository }: CommentEvent, origin: string): JsonObject {
  const sender = isJsonObject(comment) ? (comment["user"] ?? null) : null;
  const changes = action === "edited" ? { changes: { body: { from: "" } } } : {};
  return toEventPayload({ action, issue, comment, ...changes, repository }, { origin, sender });
}

/** The payload of any event about a repository: its own `parts`, and what GitHub puts into every one for Apps. */
export function toEventPayload(
  { repository = null, ...parts }: JsonObject,
  { origin, sender }: { origin: string; sender: Json },
): JsonObject {
  const isOwned = isJsonObject(repository) && String(repository["full_name"]).startsWith(`${ORGANIZATION.login}/`);
  return {
    ...parts,
    repository,
    ...(isOwned ? { organization: toOrganization(origin) } : {}),
    sender,
    installation: {
      id: APP.installationId,
      node_id: Buffer.from(`Installation:${APP.installationId}`).toString("base64"),
    },
  };
}

function toOrganization(origin: string): JsonObject {
  const api = `${origin}/api/v3/orgs/${ORGANIZATION.login}`;
  const { login, id, node_id = null, avatar_url = null } = toAccount({ ...ORGANIZATION, type: "Organization" }, origin);
  return {
    login: login ?? null,
    id: id ?? null,
    node_id,
    url: api,
    repos_url: `${api}/repos`,
    events_url: `${api}/events`,
    hooks_url: `${api}/hooks`,
    issues_url: `${api}/issues`,
    members_url: `${api}/members{/member}`,
    public_members_url: `${api}/public_members{/member}`,
    avatar_url,
    description: "",
  };
}
