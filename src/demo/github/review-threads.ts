import { z } from "zod";
import type { GraphqlAnswer, GraphqlField } from "./graphql-routes.ts";
import { isAllowed, isVisible } from "./identity.ts";
import { isJsonObject, type Json } from "./json.ts";
import type { RouteCall } from "./routes.ts";
import type { RepositorySeed } from "./seeds.ts";

const Place = z.object({ owner: z.string(), repo: z.string(), number: z.int() });
const Resolving = z.object({ id: z.string() });

/** The threads of reviews, which only GraphQL knows: the list of a pull request's, and the mutation that resolves one. */
export function createReviewThreads({ repositories }: { repositories: readonly RepositorySeed[] }): GraphqlField[] {
  const resolved = new Set<string>();
  const find = (name: string): RepositorySeed | null => repositories.find((one) => one.name === name) ?? null;
  return [
    {
      name: "repository",
      answer: async (call, variables) => {
        const parsed = Place.safeParse(variables);
        const repository = parsed.success ? find(`${parsed.data.owner}/${parsed.data.repo}`) : null;
        if (!parsed.success || repository === null || !isVisible(repository, call.request.caller)) {
          return { refused: { type: "NOT_FOUND", message: "Could not resolve to a Repository" } };
        }
        const nodes = await listThreads(call, { repository: repository.name, number: parsed.data.number, resolved });
        const pageInfo = { hasNextPage: false, endCursor: null };
        return { data: { pullRequest: { reviewThreads: { pageInfo, nodes } } } };
      },
    },
    {
      name: "resolveReviewThread",
      answer: async (call, variables) => {
        const id = Resolving.safeParse(variables).data?.id ?? "";
        const [name = ""] = atob(id.replace(/^PRRT_/, "")).split("#");
        return resolve(call, { id, repository: find(name), resolved });
      },
    },
  ];
}

type ListOptions = { repository: string; number: number; resolved: ReadonlySet<string> };

async function listThreads(call: RouteCall, { repository, number, resolved }: ListOptions): Promise<Json[]> {
  const path = `/repos/${repository}/pulls/${number}/comments`;
  const { body } = await call.forward({ method: "GET", path, query: new URLSearchParams({ per_page: "100" }) });
  const comments = Array.isArray(body) ? body.filter((one) => isJsonObject(one)) : [];
  return comments
    .filter((comment) => (comment["in_reply_to_id"] ?? null) === null)
    .map((comment) => {
      const databaseId = Number(comment["id"]);
      const id = `PRRT_${btoa(`${repository}#${databaseId}`)}`;
      return { id, isResolved: resolved.has(id), comments: { nodes: [{ databaseId }] } };
    });
}

type ResolveOptions = { id: string; repository: RepositorySeed | null; resolved: Set<string> };

/** GitHub wants to see `contents: write` here, though nothing of the contents changes. */
function resolve(call: RouteCall, { id, repository, resolved }: ResolveOptions): GraphqlAnswer {
  if (repository === null) {
    return { refused: { type: "NOT_FOUND", message: `Could not resolve to a node with the global id of '${id}'` } };
  }
  const needs = (["pull_requests", "contents"] as const).map((permission) => ({ permission, level: "write" as const }));
  const mayAll = needs.every((need) => isAllowed(call.request.caller, { repository, needs: [need] }));
  if (!mayAll) return { refused: { type: "FORBIDDEN", message: "Resource not accessible by integration" } };
  resolved.add(id);
  return { data: { thread: { isResolved: true } } };
}
