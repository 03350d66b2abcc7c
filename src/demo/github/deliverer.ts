import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type Delivery, toCommentPayload } from "./webhook.ts";
import { callApi, type World } from "./world.ts";

/** A comment to write and to deliver. */
export type CommentDeliveryOptions = {
  /** The receiver: the product's webhook address. */
  url: string;
  secret: string;
  /** Who writes it. */
  user: string;
  body: string;
  /** Number of the issue or pull request. */
  issue: number;
  /** `owner/name`. */
  repository: string;
  action?: "created" | "edited" | "deleted";
  /** GUID of the delivery. */
  id?: string;
  /** Replaces or, with `null`, removes headers. */
  headers?: Record<string, string | null>;
};

/** A delivered comment: its id, and how it was received. */
export type CommentDelivery = Delivery & { commentId: number };

/** Writes the comment through the API as that person, then sends the signed `issue_comment` event about it. */
export async function deliverComment(world: World, options: CommentDeliveryOptions): Promise<CommentDelivery> {
  const { user, body, issue, repository, action = "created", ...sending } = options;
  const path = `/repos/${repository}/issues/${issue}`;
  const comment = await read(world, { as: user, method: "POST", path: `${path}/comments`, body: { body } });
  const about = await read(world, { as: user, method: "GET", path });
  const home = await read(world, { as: user, method: "GET", path: `/repos/${repository}` });
  const payload = toCommentPayload({ action, issue: about, comment, repository: home }, world.api.origin);
  const delivery = await world.deliveries.deliver({ ...sending, event: "issue_comment", payload });
  return { ...delivery, commentId: Number(comment["id"]) };
}

async function read(
  world: World,
  call: { as: string; method: string; path: string; body?: Json },
): Promise<JsonObject> {
  const answer = await callApi(world, call);
  if (answer.status < 300 && isJsonObject(answer.body)) return answer.body;
  throw new Error(`${call.method} ${call.path} as ${call.as}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
