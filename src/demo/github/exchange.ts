import type { Caller } from "./identity.ts";
import type { Json, JsonObject } from "./json.ts";

/** One call of the REST API as it came in. */
export type ApiRequest = {
  method: string;
  /** Below `/api/v3`, percent-encoded as the client sent it, without the query. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The parsed JSON body; `undefined` when there was none or it was not JSON. */
  body: Json | undefined;
  caller: Caller;
};

/** What goes back: JSON, a text of its own type (diffs, raw files), or nothing. */
export type ApiAnswer = { status: number; headers?: Record<string, string>; body: Json | Buffer | null };

/** One detail of GitHub's 422 answers. */
export type ValidationDetail = { resource: string; field?: string; code: string; message?: string };

/** An answer with GitHub's error body. */
export function refuse(status: number, message: string): ApiAnswer {
  return { status, body: toErrorBody(status, message) };
}

/** GitHub's 422 for a body that is well formed but cannot be obeyed. */
export function refuseInvalid(details: ValidationDetail[]): ApiAnswer {
  const errors: Json[] = details.map((detail) => ({ ...detail }));
  return { status: 422, body: { ...toErrorBody(422, "Validation Failed"), errors } };
}

/** GitHub's 404, also for what the caller may not know of. */
export function refuseUnknown(): ApiAnswer {
  return refuse(404, "Not Found");
}

function toErrorBody(status: number, message: string): JsonObject {
  return { message, documentation_url: "https://docs.github.com/rest", status: String(status) };
}
