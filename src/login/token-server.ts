import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { EndedWhy } from "./login-error.ts";
import { RenewedTokens } from "./stored-login.ts";

/** What the token server made of a refresh. `lost`: a refresh may have reached it whose answer never reached us. */
export type TokenAnswer =
  | { kind: "renewed"; tokens: RenewedTokens }
  | { kind: "ended"; why: EndedWhy; detail: string; lost: boolean }
  | { kind: "unavailable"; why: string; lost: boolean };

/** Why a refresh is asked for; the token server is told. */
export type RefreshReason = "proactive_expiry" | "unauthorized_recovery";

export type AskTokenServerOptions = { refreshToken: string; reason: RefreshReason };

/** Where `codex login` gets its tokens (openai/codex, codex-rs/login/src/auth/manager.rs, `REFRESH_TOKEN_URL`). */
export const TOKEN_URL = "https://auth.openai.com/oauth/token";

/** The public id that Codex logs in with, so its tokens are renewed with it too (same file, `CLIENT_ID`). */
const CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";

const TRIES = 3;
const WAITS_MS = [300, 1_500];
const MAX_WAIT_MS = 5_000;
const ANSWER_MS = 15_000;

/** The codes of errors after which nothing can have been sent; see also Node's `UND_ERR_CONNECT_TIMEOUT`. */
const NEVER_SENT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS\w+|ERR_SSL\w+|DEPTH_ZERO\w+|SELF_SIGNED\w+|UNABLE_TO_\w+)$/;

/** What the server calls the ends of a login (same file, `classify_refresh_token_failure`; RFC 6749, 5.2). */
const endings: Readonly<Record<string, EndedWhy>> = {
  refresh_token_expired: "expired",
  refresh_token_reused: "used",
  refresh_token_invalidated: "revoked",
  invalid_grant: "refused",
};

const Problem = z.union([
  z.object({ error: z.object({ code: z.string() }) }).transform(({ error }) => error.code),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ code: z.string() }).transform(({ code }) => code),
]);

/** Asks for new tokens, with a few tries when the server cannot be reached. Never rejects. */
export async function askTokenServer(url: string, options: AskTokenServerOptions): Promise<TokenAnswer> {
  let lost = false;
  for (let tries = 1; ; tries++) {
    const answer = await askOnce(url, options);
    switch (answer.kind) {
      case "renewed":
        return answer;
      case "ended":
        return { ...answer, lost };
      case "unavailable":
        lost ||= answer.lost;
        if (answer.again === "no" || tries === TRIES) return { kind: "unavailable", why: answer.why, lost };
        await sleep(answer.waitMs ?? WAITS_MS[tries - 1]);
    }
  }
}

type Once =
  | Exclude<TokenAnswer, { kind: "unavailable" }>
  | { kind: "unavailable"; why: string; lost: boolean; again: "yes" | "no"; waitMs?: number | undefined };

async function askOnce(url: string, { refreshToken, reason }: AskTokenServerOptions): Promise<Once> {
  let status = 0;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "user-agent": "codex-orchestrator" },
      body: JSON.stringify({
        client_id: CLIENT_ID,
        grant_type: "refresh_token",
        refresh_token: refreshToken,
        refresh_reason: reason,
      }),
      // A refresh token goes to nobody but the server it is meant for.
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    status = response.status;
    const waitMs = toWaitMs(response.headers.get("retry-after"));
    return judge(status, { body: parseJson(await response.text()), waitMs });
  } catch (error) {
    const code = toErrorCode(error);
    const lost = status === 0 ? !NEVER_SENT.test(code) : status < 300;
    const why = status === 0 ? "the token server could not be reached" : "the token server's answer broke off";
    return { kind: "unavailable", why: `${why} (${code})`, lost, again: "yes" };
  }
}

function judge(status: number, { body, waitMs }: { body: unknown; waitMs: number | undefined }): Once {
  if (status >= 200 && status < 300) {
    const tokens = RenewedTokens.safeParse(body);
    if (tokens.success) return { kind: "renewed", tokens: tokens.data };
    return { kind: "unavailable", why: "the token server answered with something else", lost: true, again: "no" };
  }
  const code = toProblemCode(body);
  const detail = code === null ? `HTTP ${status}` : `HTTP ${status}: ${code}`;
  const why = endings[code ?? ""];
  // A 400 in the form of OAuth's errors is about our request, which will be the same the next time.
  if (why !== undefined || status === 401 || (status === 400 && code !== null))
    return { kind: "ended", why: why ?? "refused", detail, lost: false };
  const isPassing = status >= 500 || status === 408 || status === 425 || status === 429;
  return {
    kind: "unavailable",
    why: `the token server answered with ${detail}`,
    lost: status >= 500 && status !== 503,
    again: isPassing ? "yes" : "no",
    waitMs,
  };
}

/** The server's own word for what is wrong, when it is one. */
function toProblemCode(body: unknown): string | null {
  const parsed = Problem.safeParse(body);
  const code = parsed.success ? parsed.data.toLowerCase() : "";
  return /^[a-z][a-z0-9_.-]{0,60}$/.test(code) ? code : null;
}

/** Seconds only, and not longer than a run can wait (RFC 9110, 10.2.3). */
function toWaitMs(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter)
    ? Math.min(Number(retryAfter) * 1000, MAX_WAIT_MS)
    : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toErrorCode(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "TimeoutError") return "no answer in time";
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? cause.code : "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "unknown";
}
