import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type Delivery, toEventPayload } from "./webhook.ts";
import { callApi, type World } from "./world.ts";

/** Something that somebody says elsewhere than in a comment of the conversation. */
export type Talk =
  | { kind: "line-comment"; pull: number; body: string; path: string; line: number; side?: "LEFT" | "RIGHT" }
  | { kind: "line-reply"; pull: number; body: string; to: number }
  | { kind: "review"; pull: number; body: string; comments?: { path: string; line: number; body: string }[] }
  | { kind: "issue"; title: string; body: string }
  | { kind: "label"; issue: number; label: string };

export type TalkOptions = Talk & {
  /** The receiver: the product's webhook address. */
  url: string;
  secret: string;
  /** Who says it. */
  user: string;
  /** `owner/name`. */
  repository: string;
};

/** What was said, as the API shows it, and the deliveries about it, in GitHub's order. */
export type TalkDelivery = { said: JsonObject; id: number; deliveries: Delivery[] };

type Event = { event: string; payload: JsonObject };

/** Says it through the API as that person, then sends the signed events about it, one by one. */
export async function deliverTalk(world: World, options: TalkOptions): Promise<TalkDelivery> {
  const { url, secret } = options;
  const { said, events } = await say(world, options);
  const deliveries: Delivery[] = [];
  for (const event of events) deliveries.push(await world.deliveries.deliver({ ...event, url, secret }));
  return { said, id: Number(said["id"]), deliveries };
}

type Said = { said: JsonObject; events: Event[] };

async function say(world: World, options: TalkOptions): Promise<Said> {
  const { user, repository } = options;
  const home = `/repos/${repository}`;
  const ask = (method: string, path: string, body?: Json): Promise<JsonObject> =>
    read(world, { as: user, method, path: `${home}${path}`, ...(body === undefined ? {} : { body }) });
  const [about, sender] = await Promise.all([
    ask("GET", ""),
    read(world, { as: user, method: "GET", path: `/users/${user}` }),
  ]);
  const toEvent = (event: string, parts: JsonObject): Event => ({
    event,
    payload: toEventPayload({ ...parts, repository: about }, { origin: world.api.origin, sender: toShort(sender) }),
  });
  switch (options.kind) {
    case "line-comment": {
      const { pull, body, path, line, side = "RIGHT" } = options;
      const request = await ask("GET", `/pulls/${pull}`);
      const commit = isJsonObject(request["head"]) ? (request["head"]["sha"] ?? null) : null;
      const said = await ask("POST", `/pulls/${pull}/comments`, { body, path, line, side, commit_id: commit });
      const parts = { action: "created", comment: said, pull_request: request };
      return { said, events: [toEvent("pull_request_review_comment", parts)] };
    }
    case "line-reply": {
      const { pull, body, to } = options;
      const said = await ask("POST", `/pulls/${pull}/comments/${to}/replies`, { body });
      const parts = { action: "created", comment: said, pull_request: await ask("GET", `/pulls/${pull}`) };
      return { said, events: [toEvent("pull_request_review_comment", parts)] };
    }
    case "review": {
      const { pull, body, comments = [] } = options;
      const said = await ask("POST", `/pulls/${pull}/reviews`, { body, event: "COMMENT", comments });
      const request = await ask("GET", `/pulls/${pull}`);
      const review = { ...said, state: String(said["state"]).toLowerCase() };
      const listed = await callApi(world, {
        as: user,
        method: "GET",
        path: `${home}/pulls/${pull}/comments?per_page=100`,
      });
      const own = (Array.isArray(listed.body) ? listed.body : []).filter(
        (comment) => isJsonObject(comment) && comment["pull_request_review_id"] === said["id"],
      );
      return {
        said,
        events: [
          toEvent("pull_request_review", { action: "submitted", review, pull_request: request }),
          ...own.map((comment) =>
            toEvent("pull_request_review_comment", { action: "created", comment, pull_request: request }),
          ),
        ],
      };
    }
    case "issue": {
      const { title, body } = options;
      const said = await ask("POST", "/issues", { title, body });
      return { said, events: [toEvent("issues", { action: "opened", issue: said })] };
    }
    case "label": {
      const { issue, label } = options;
      const labels = await callApi(world, {
        as: user,
        method: "POST",
        path: `${home}/issues/${issue}/labels`,
        body: { labels: [label] },
      });
      const put = (Array.isArray(labels.body) ? labels.body : []).find(
        (one) => isJsonObject(one) && one["name"] === label,
      );
      const said = await ask("GET", `/issues/${issue}`);
      return { said, events: [toEvent("issues", { action: "labeled", issue: said, label: put ?? null })] };
    }
  }
}

/** In events accounts have their short form. */
function toShort(user: JsonObject): JsonObject {
  const { site_admin: isAdmin = false } = user;
  const names = ["login", "id", "node_id", "avatar_url", "url", "html_url", "type"];
  return { ...Object.fromEntries(names.map((name) => [name, user[name] ?? null])), site_admin: isAdmin };
}

async function read(
  world: World,
  call: { as: string; method: string; path: string; body?: Json },
): Promise<JsonObject> {
  const answer = await callApi(world, call);
  if (answer.status < 300 && isJsonObject(answer.body)) return answer.body;
  throw new Error(`${call.method} ${call.path} as ${call.as}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
