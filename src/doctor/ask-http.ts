/** What came back from one request: an answer of whatever status, or why there is none. */
export type HttpAnswer =
  | { kind: "answer"; status: number; headers: Headers; body: unknown }
  | {
      kind: "unreachable";
      /** A clause: "nothing listens there (ECONNREFUSED)". */
      why: string;
    };

export type AskHttpOptions = {
  /** Default: GET, or POST with a body. */
  method?: "GET" | "POST" | "DELETE";
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
};

/**
 * Sends one request, follows no redirect and repeats nothing. The answer's `body` is its JSON, or null when it is none.
 * Rejects only when the signal aborts.
 */
export async function askHttp(url: URL, { method, headers, body, signal }: AskHttpOptions): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { "user-agent": "codex-orchestrator", ...headers },
      redirect: "manual",
      body: body ?? null,
      signal,
    });
    return {
      kind: "answer",
      status: response.status,
      headers: response.headers,
      body: parseJson(await response.text()),
    };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "unreachable", why: toReason(error) };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const REASONS: [RegExp, string][] = [
  [/^ECONNREFUSED$/, "nothing listens there: connection refused"],
  [/^(ENOTFOUND|EAI_)/, "its name is not known here"],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT)$/, "it does not answer"],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, "there is no way to it"],
  [/CERT|SELF_SIGNED|UNABLE_TO_/, "its certificate is not trusted here (NODE_EXTRA_CA_CERTS names further ones)"],
  [/^(EPROTO|ERR_SSL)/, "it does not speak TLS"],
];

/** Node's fetch hides the cause of a failure in `cause`, and for several addresses in a list of them. */
function toReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code = first instanceof Error && "code" in first && typeof first.code === "string" ? first.code : "";
  const known = REASONS.find(([pattern]) => pattern.test(code))?.[1];
  const words = first instanceof Error ? first.message : String(first);
  return known === undefined ? words : `${known} (${code})`;
}
