import { z } from "zod";
import { type ApiAnswer, refuse } from "./exchange.ts";
import type { Json } from "./json.ts";
import type { ReactionBook, ReactionContent } from "./reactions.ts";
import type { Route, RouteCall } from "./routes.ts";

/** One field that GraphQL can be asked for: what it answers, or GitHub's sentence why not. */
export type GraphqlField = {
  name: string;
  answer(call: RouteCall, variables: Record<string, Json>): Promise<GraphqlAnswer>;
};
export type GraphqlAnswer = { data: Json } | { refused: { type: "NOT_FOUND" | "FORBIDDEN"; message: string } };

const Query = z.object({ query: z.string(), variables: z.record(z.string(), z.json()).default({}) });

/**
 * GraphQL, as far as the product asks it: each query names one field, which is answered as a whole. Like GitHub it says in a
 * 200 what it refuses.
 */
export function createGraphqlRoutes(fields: GraphqlField[]): Route[] {
  return [{ method: "POST", path: "/graphql", handle: (call) => answerQuery(call, fields) }];
}

async function answerQuery(call: RouteCall, fields: GraphqlField[]): Promise<ApiAnswer> {
  if (call.account === null) return refuse(401, "Requires authentication");
  const parsed = Query.safeParse(call.request.body);
  if (!parsed.success) return refuse(400, "Problems parsing JSON");
  const [, name = ""] = /^[^{]*\{\s*(\w+)/.exec(parsed.data.query) ?? [];
  const field = fields.find((one) => one.name === name);
  if (field === undefined) throw new Error(`the stand-in's GraphQL has no field "${name}"`);
  const answer = await field.answer(call, parsed.data.variables);
  if ("data" in answer) return { status: 200, body: { data: { [name]: answer.data } } };
  const locations = [{ line: 2, column: 3 }];
  return { status: 200, body: { data: { [name]: null }, errors: [{ ...answer.refused, path: [name], locations }] } };
}

const contents = {
  THUMBS_UP: "+1",
  THUMBS_DOWN: "-1",
  LAUGH: "laugh",
  CONFUSED: "confused",
  HEART: "heart",
  HOORAY: "hooray",
  ROCKET: "rocket",
  EYES: "eyes",
} as const satisfies Record<string, ReactionContent>;

const Content = z.enum(["THUMBS_UP", "THUMBS_DOWN", "LAUGH", "CONFUSED", "HEART", "HOORAY", "ROCKET", "EYES"]);
const Added = z.object({ subjectId: z.string(), content: Content });

/** The mutation `addReaction`, for reviews: REST knows no reactions on them. They are listed at `/nodes/<node id>/reactions`. */
export function createAddReaction(reactions: Pick<ReactionBook, "put">): GraphqlField {
  return {
    name: "addReaction",
    answer: async ({ account }, variables) => {
      const parsed = Added.safeParse(variables);
      const isReview = parsed.success && atob(parsed.data.subjectId).includes("PullRequestReview");
      if (!isReview || account === null) {
        const message = `Could not resolve to a node with the global id of '${String(variables["subjectId"])}'`;
        return { refused: { type: "NOT_FOUND", message } };
      }
      const { subjectId, content } = parsed.data;
      reactions.put(`/nodes/${subjectId}/reactions`, { content: contents[content], person: account });
      return { data: { reaction: { content } } };
    },
  };
}
