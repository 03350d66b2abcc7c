import { z } from "zod";
import type { Mask } from "../masking/mask.ts";
import { RATE_LIMITED, toRetryAfter } from "./retry-after.ts";
import type { Refusal } from "./send-refusal.ts";
import type { GatewayFailure } from "./tally.ts";

/** What the API says is wrong, as far as it says it. */
export type Problem = {
  code?: string | number | null | undefined;
  type?: string | null | undefined;
  message?: string | null | undefined;
};

/** What the run's outcome learns, and what Codex gets to read. */
export type UpstreamFailure = { failure: GatewayFailure | null; refusal: Refusal };

type KnownFailure = UpstreamFailure & { failure: GatewayFailure };

type MaskOptions = { mask: Mask };

const MAX_MESSAGE_LENGTH = 300;

const AUTH_CODES = /^(?:invalid_api_key|invalid_authentication|authentication_error|account_deactivated|api_key_.*)$/;
const QUOTA_CODES =
  /^(?:insufficient_quota|quota_exceeded|billing_hard_limit_reached|billing_not_active|usage_limit_reached|usage_not_included|insufficient_(?:funds|balance|credits))$/;
const QUOTA_WORDS =
  /exceeded your current quota|plan and billing|billing (?:hard )?limit|insufficient (?:funds|credits?|balance|quota)|out of credits|credit balance is/i;
const RATE_CODES = /^(?:rate_limit_exceeded|rate_limit_error|too_many_requests|tokens|requests)$/;
const MODEL_CODES = /^(?:model_not_found|model_not_available|deployment_not_found|invalid_model)$/i;
/** Codes inside a stream that are about the request; every other unknown one is the API's own trouble. */
const REQUEST_CODES = /^(?:context_length_exceeded|content_filter|image_.*|invalid_.*|.*_policy.*)$/;

/** Mistakes in the set-up of TLS: asking again changes nothing. */
const TLS_CODES = /^(?:CERT_|ERR_TLS|ERR_SSL|EPROTO|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_)/;

const Problem = z.object({
  code: z.union([z.string(), z.number()]).nullish().catch(null),
  type: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
});
const Envelope = z.union([
  z.object({ error: Problem }),
  z.object({ error: z.string() }).transform(({ error }) => ({ error: { message: error } })),
  z.object({ detail: z.string() }).transform(({ detail }) => ({ error: { message: detail } })),
  z.object({ message: z.string() }).transform(({ message }) => ({ error: { message } })),
]);

/**
 * Judges an error answer of the model API. Codex is told to stop (400, 404, or the quota error it knows) where asking
 * again changes nothing, and gets the upstream's own status where it may help. Only known fields of a JSON body are
 * passed on, with the key masked; any other body (a proxy's HTML page) never is.
 */
export function toAnswerFailure(
  { status, body, retryAfter }: { status: number; body: string; retryAfter: string | undefined },
  { mask }: MaskOptions,
): UpstreamFailure {
  const problem = parseProblem(body);
  const message = toSentence(problem, mask);
  const code = String(problem.code ?? problem.type ?? "upstream_error");
  const kind = toKind(problem) ?? toKindOfStatus(status);
  const says = message === null ? `HTTP ${status}` : `HTTP ${status}: ${message}`;
  switch (kind) {
    case "auth":
      return toFinal("model-auth", {
        status: 400,
        code: "model_auth",
        message: `The model API refused the key (HTTP ${status}).`,
      });
    case "quota":
      return toFinal("model-quota", {
        status: 429,
        code: "insufficient_quota",
        message: `The account of the model API has no quota left (${says}).`,
      });
    case "rate":
      return {
        failure: toServiceFailure("model-quota", `The model API limits the rate of requests (${says}).`),
        refusal: { ...toPassing(RATE_LIMITED, retryAfter), status: 429, message: message ?? "Rate limit reached." },
      };
    case "model":
    case "address": {
      const words = `The model API does not offer what was asked for (${says}).`;
      const refusal = { status: 404, code: "model_not_found", message: words };
      const concerns = kind === "model" ? "run" : "service";
      return { failure: { reason: "model-unavailable", message: words, concerns }, refusal };
    }
    case "server":
      return {
        failure: toServiceFailure("model-unavailable", `The model API failed (${says}).`),
        refusal: {
          ...toPassing(code, retryAfter),
          status: status >= 500 ? status : 503,
          message: message ?? "The model API failed.",
        },
      };
    case "request":
      return {
        failure: null,
        refusal: { status: 400, code, message: message ?? `The model API refused the request (HTTP ${status}).` },
      };
  }
}

/** Judges a success that is not an answer: a redirect, a captive portal's page. */
export function toStrangeAnswer({ status, type }: { status: number; type: string }): KnownFailure {
  const what =
    status >= 300 && status < 400
      ? "a redirect"
      : `${/^[\w./+-]{1,60}$/.test(type) ? type : "something"} instead of a model's answer`;
  const message = `The model API answered with ${what} (HTTP ${status}).`;
  return toFinal("model-unavailable", { status: 400, code: "bad_upstream", message });
}

/** Judges an error that kept the request from being answered at all. */
export function toReachFailure(error: unknown, { mask }: MaskOptions): KnownFailure {
  const { code, message } = error instanceof Error ? toErrorWords(error) : { code: "", message: "unknown error" };
  const sentence = `The model API could not be reached (${mask.text(code === "" ? message : code).slice(0, MAX_MESSAGE_LENGTH)}).`;
  const status = TLS_CODES.test(code) ? 400 : 502;
  return toFinal("model-unavailable", { status, code: "model_unreachable", message: sentence });
}

/** Judges a failure told inside a stream. Null when it is about the request itself, such as a context that is too long. */
export function toModelFailure(problem: Problem, { mask }: MaskOptions): GatewayFailure | null {
  const says = toSentence(problem, mask) ?? String(problem.code ?? "no reason given");
  const kind = toKind(problem) ?? (REQUEST_CODES.test(String(problem.code)) ? "request" : "server");
  switch (kind) {
    case "auth":
      return toServiceFailure("model-auth", "The model API refused the key.");
    case "quota":
      return toServiceFailure("model-quota", `The account of the model API has no quota left (${says}).`);
    case "rate":
      return toServiceFailure("model-quota", `The model API limits the rate of requests (${says}).`);
    case "model":
    case "server": {
      const concerns = kind === "model" ? "run" : "service";
      return { reason: "model-unavailable", message: `The model API failed (${says}).`, concerns };
    }
    case "request":
      return null;
  }
}

/** `model`: the API does not have the model; `address`: nobody knows what it does not have. */
type Kind = "auth" | "quota" | "rate" | "model" | "address" | "server" | "request";

/** What the API's own words say; null when they say nothing known. */
function toKind({ code, type, message }: Problem): Extract<Kind, "auth" | "quota" | "rate" | "model"> | null {
  const is = (pattern: RegExp): boolean => [code, type].some((name) => typeof name === "string" && pattern.test(name));
  if (is(QUOTA_CODES) || QUOTA_WORDS.test(message ?? "")) return "quota";
  if (is(AUTH_CODES)) return "auth";
  if (is(MODEL_CODES)) return "model";
  return is(RATE_CODES) ? "rate" : null;
}

function toKindOfStatus(status: number): Kind {
  if (status === 401 || status === 403) return "auth";
  if (status === 402) return "quota";
  if (status === 404) return "address";
  if (status === 429) return "rate";
  return status >= 500 || status === 408 || status === 425 ? "server" : "request";
}

/** A failure that every run would meet. */
function toServiceFailure(reason: GatewayFailure["reason"], message: string): GatewayFailure {
  return { reason, message, concerns: "service" };
}

/** The same where its own message is also what Codex reads. */
function toFinal(reason: GatewayFailure["reason"], refusal: Refusal): KnownFailure {
  return { failure: toServiceFailure(reason, refusal.message), refusal };
}

/** The part of a refusal that has Codex try again. */
function toPassing(code: string, retryAfter: string | undefined): Pick<Refusal, "code" | "retryAfter"> {
  return { code, retryAfter: toRetryAfter(retryAfter, { code }) };
}

function parseProblem(body: string): Problem {
  try {
    const json: unknown = JSON.parse(body);
    const envelope = Envelope.safeParse(Array.isArray(json) ? json[0] : json);
    return envelope.success ? envelope.data.error : {};
  } catch {
    return {};
  }
}

/** The API's message on one line, without the key, fit to stand in brackets; null when it is no sentence. */
function toSentence({ message }: Problem, mask: Mask): string | null {
  if (message == null || /<(?:!doctype|html|body|head)\b/i.test(message)) return null;
  const line = mask
    .text(message.slice(0, 4 * MAX_MESSAGE_LENGTH))
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  const cut = line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH)}…` : line.replace(/\.$/, "");
  return cut === "" ? null : cut;
}

function toErrorWords(error: Error): { code: string; message: string } {
  const { cause } = error;
  const code = "code" in error ? error.code : cause instanceof Error && "code" in cause ? cause.code : undefined;
  return { code: typeof code === "string" ? code : "", message: error.message };
}
