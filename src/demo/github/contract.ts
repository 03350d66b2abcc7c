import { readFile } from "node:fs/promises";
import { type Document, OpenAPIBackend } from "openapi-backend";
import type { ApiAnswer, ApiRequest } from "./exchange.ts";

/** GitHub's OpenAPI description, held against both sides of every call. */
export type Contract = {
  /** What is wrong with a request, one sentence each. An operation outside the description is wrong, too. */
  checkRequest(request: ApiRequest): string[];
  /** What is wrong with our own answer to it: then the stand-in, not the product, has to be mended. */
  checkAnswer(request: ApiRequest, answer: ApiAnswer): string[];
};

/** Reads the pruned description (`scripts/prune-openapi.mjs`); checks are compiled when first needed. */
export async function loadContract(): Promise<Contract> {
  const definition: Document = JSON.parse(await readFile(new URL("./openapi.json", import.meta.url), "utf8"));
  const api = new OpenAPIBackend({ definition, quick: true, strict: false, ajvOpts: { validateFormats: false } });
  await api.init();
  return {
    checkRequest(request) {
      const operation = api.matchOperation(toMatchable(request));
      if (operation === undefined) return [`${nameOf(request)}: not part of the description that the stand-in is held to`];
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
  return (errors ?? []).map((error) => `${name}: ${error.instancePath} ${error.message ?? ""} ${JSON.stringify(error.params)}`);
}

function nameOf({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}
