import { z } from "zod";
import { type ApiAnswer, refuse, refuseInvalid, refuseUnknown } from "./exchange.ts";
import type { Json } from "./json.ts";
import { toAccount } from "./presentation.ts";
import type { Route, RouteCall } from "./routes.ts";
import type { Person } from "./seeds.ts";

const CONTENTS = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"] as const;
export type ReactionContent = (typeof CONTENTS)[number];
const NewReaction = z.object({ content: z.enum(CONTENTS) });

type Reaction = { id: number; content: ReactionContent; person: Person; createdAt: string };

/** The reactions on everything, which the emulator does not have. */
export type ReactionBook = {
  routes: Route[];
  /** Counts by content of what stands at an API path that ends in `/reactions`. */
  count(path: string): Record<string, number>;
  /** Who reacted how, oldest first. */
  list(path: string): { login: string; content: string }[];
  /** Puts a reaction where nobody looks whether there is something; once only. */
  put(path: string, added: Pick<Reaction, "content" | "person">): void;
};

const PLACES = [
  "/repos/{owner}/{repo}/issues/{number}/reactions",
  "/repos/{owner}/{repo}/issues/comments/{id}/reactions",
  "/repos/{owner}/{repo}/pulls/comments/{id}/reactions",
];

/** An empty book and its routes: add (201, or 200 when it stands already), list, delete. */
export function createReactionBook(): ReactionBook {
  const reactions = new Map<string, Reaction[]>();
  const at = (path: string): Reaction[] => reactions.get(path) ?? [];
  let lastId = 8_000_000;
  const add = (path: string, added: Pick<Reaction, "content" | "person">): Reaction => {
    const reaction = { ...added, id: (lastId += 1), createdAt: new Date().toISOString().replace(/\.\d+Z/, "Z") };
    reactions.set(path, [...at(path), reaction]);
    return reaction;
  };
  const routes = PLACES.flatMap((path): Route[] => [
    { method: "GET", path, handle: (call) => listReactions(call, at(call.request.path)) },
    { method: "POST", path, handle: (call) => addReaction(call, { existing: at(call.request.path), add }) },
    {
      method: "DELETE",
      path: `${path}/{reaction}`,
      handle: (call) => {
        const place = call.request.path.replace(/\/\d+$/, "");
        const left = at(place).filter((one) => String(one.id) !== call.params["reaction"] || !isOwn(one, call));
        if (left.length === at(place).length) return Promise.resolve(refuseUnknown());
        reactions.set(place, left);
        return Promise.resolve({ status: 204, body: null });
      },
    },
  ]);
  return {
    routes,
    count: (path) =>
      Object.fromEntries(
        CONTENTS.map((content) => [content, at(path).filter((one) => one.content === content).length]),
      ),
    put: (path, { content, person }) => {
      const stands = at(path).some((one) => one.content === content && one.person.login === person.login);
      if (!stands) add(path, { content, person });
    },
    list: (path) => at(path).map(({ person, content }) => ({ login: person.login, content })),
  };
}

async function listReactions(call: RouteCall, reactions: Reaction[]): Promise<ApiAnswer> {
  const missing = await findMissing(call, "read");
  return missing ?? { status: 200, body: reactions.map((reaction) => toBody(reaction, call)) };
}

async function addReaction(
  call: RouteCall,
  book: { existing: Reaction[]; add: (path: string, added: Pick<Reaction, "content" | "person">) => Reaction },
): Promise<ApiAnswer> {
  const missing = await findMissing(call, "write");
  if (missing !== null) return missing;
  const person = call.account;
  if (person === null) return refuse(401, "Requires authentication");
  const parsed = NewReaction.safeParse(call.request.body);
  if (!parsed.success) return refuseInvalid([{ resource: "Reaction", field: "content", code: "invalid" }]);
  const { content } = parsed.data;
  const existing = book.existing.find((one) => one.content === content && one.person.login === person.login);
  if (existing !== undefined) return { status: 200, body: toBody(existing, call) };
  return { status: 201, body: toBody(book.add(call.request.path, { content, person }), call) };
}

/** The refusal when the caller may not, or when there is nothing to react to; else `null`. */
async function findMissing(call: RouteCall, level: "read" | "write"): Promise<ApiAnswer | null> {
  if (!call.may(["issues", "pull_requests"], level)) return refuse(403, "Resource not accessible by integration");
  const target = await call.forward({ method: "GET", path: call.request.path.replace(/\/reactions$/, "") });
  if (target.status === 200) return null;
  const asPull = call.request.path.replace(/\/issues\/(\d+)\/reactions$/, "/pulls/$1");
  const pull = await call.forward({ method: "GET", path: asPull });
  return pull.status === 200 ? null : refuseUnknown();
}

function isOwn(reaction: Reaction, call: RouteCall): boolean {
  return reaction.person.login === call.account?.login;
}

function toBody({ id, content, person, createdAt }: Reaction, { origin }: RouteCall): Json {
  const nodeId = Buffer.from(`Reaction:${id}`).toString("base64");
  return { id, node_id: nodeId, user: toAccount(person, origin), content, created_at: createdAt };
}
