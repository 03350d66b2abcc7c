import { readFile } from "node:fs/promises";
import type { Document } from "openapi-backend";
import type { ApiAnswer, ApiRequest } from "./exchange.ts";

/** A call that was made; `answer` is `null` where a fault took its place. */
export type Exchange = { request: ApiRequest; answer: ApiAnswer | null };

/** GitHub's OpenAPI description, held against both sides of calls. */
export type Contract = {
  /** What is wrong with a request, one sentence each. An operation outside the description is wrong, too. */
  checkRequest(request: ApiRequest): string[];
  /** What is wrong with our own answer to it: then the stand-in, not the product, has to be mended. */
  checkAnswer(request: ApiRequest, answer: ApiAnswer): string[];
};

/** What is wrong with these calls, in their order, nothing twice. */
export async function checkExchanges(exchanges: Exchange[]): Promise<string[]> {
  const contract = await loadContract();
  const problems = exchanges.flatMap(({ request, answer }) => [
    ...contract.checkRequest(request),
    ...(answer === null ? [] : contract.checkAnswer(request, answer)),
  ]);
  return [...new Set(problems)];
}

const GRAPHQL = "/graphql";

/** GitHub's schemas are large and mostly used once: what pays off in a server only costs here. */
const AJV_OPTIONS = {
  validateFormats: false,
  validateSchema: false,
  inlineRefs: false,
  meta: false,
  code: { optimize: false },
} as const;

let loaded: Promise<Contract> | undefined;

/** Reads the pruned description (`scripts/prune-openapi.mjs`) once; each check is compiled when first needed. */
function loadContract(): Promise<Contract> {
  return (loaded ??= readContract());
}

async function readContract(): Promise<Contract> {
  const { OpenAPIBackend } = await import("openapi-backend"); // a third of a second that a mere demo need not spend
  const definition: Document = JSON.parse(await readFile(new URL("./openapi.json", import.meta.url), "utf8"));
  const api = new OpenAPIBackend({
    definition,
    quick: true,
    strict: false,
    ajvOpts: AJV_OPTIONS,
  });
  await api.init();
  return {
    checkRequest(request) {
      if (request.path === GRAPHQL) return []; // which has a description of its own
      const operation = api.matchOperation(toMatchable(request));
      if (operation === undefined)
        return [`${nameOf(request)}: not part of the description that the stand-in is held to`];
      const { errors } = api.validateRequest(toMatchable(request), operation);
      return toSentences(errors, `${nameOf(request)} (request)`);
    },
    checkAnswer(request, answer) {
      const operation = api.matchOperation(toMatchable(request));
      if (operation === undefined || Buffer.isBuffer(answer.body)) return [];
      const { errors } = api.validateResponse(answer.body, operation, answer.status);
      return toSentences(errors, `${nameOf(request)} (answer ${answer.status})`);
    },
  };
}

function toMatchable({ method, path, query, body }: ApiRequest) {
  return {
    method,
    path,
    query: Object.fromEntries(query),
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body,
  };
}

type Complaint = { instancePath: string; message?: string | undefined; params: object };

function toSentences(errors: Complaint[] | null | undefined, name: string): string[] {
  return (errors ?? []).map(
    (error) => `${name}: ${error.instancePath} ${error.message ?? ""} ${JSON.stringify(error.params)}`,
  );
}

function nameOf({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}
