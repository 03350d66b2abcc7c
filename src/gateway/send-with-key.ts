import type { IncomingMessage } from "node:http";
import type { Mask } from "../masking/mask.ts";
import { RunError } from "../run/failure.ts";
import { sendUpstream, type SendUpstreamOptions } from "./send-upstream.ts";
import type { UpstreamFailure } from "./upstream-failure.ts";

export type KeySource = {
  /** The headers that carry the key, asked for before every request. Their values are never passed on nor reported. */
  authorization: () => Promise<Record<string, string>>;
  /** Told when the model API answered 401 to these headers. `renewed`: there are others now, to be tried with. */
  onUnauthorized?: (refused: Readonly<Record<string, string>>) => Promise<"renewed" | "ended">;
};

export type SendWithKeyOptions = SendUpstreamOptions & KeySource & { mask: Mask };

/** The first time, somebody else may have renewed the key already; the second time, it was renewed for us. */
const MAX_RESENDS = 2;

/**
 * Sends one request with the key, and again when the key was refused and another one is to be had. The mask learns every
 * key before it is sent. Rejects like `sendUpstream`, and with `KeyError` when there is no key.
 */
export async function sendWithKey(
  endpoint: URL,
  { authorization, onUnauthorized, mask, headers, ...sending }: SendWithKeyOptions,
): Promise<IncomingMessage> {
  for (let resends = 0; ; resends++) {
    const key = await orKeyError(authorization);
    mask.add(Object.values(key).flatMap((value) => [value, value.replace(/^\w+ /, "")]));
    const answer = await sendUpstream(endpoint, { ...sending, headers: { ...headers, ...key } });
    if (answer.statusCode !== 401 || onUnauthorized === undefined || resends === MAX_RESENDS) return answer;

    const verdict = await orKeyError(() => onUnauthorized(key)).catch((error: unknown) => {
      answer.destroy();
      throw error;
    });
    if (verdict === "ended") return answer;
    // Read to its end, so that its connection can be used again.
    answer.resume();
  }
}

/** There is no key to send a request with. */
export class KeyError extends Error {
  readonly failure: UpstreamFailure;

  constructor(cause: unknown) {
    super("no key for the model API", { cause });
    this.failure = toKeyFailure(cause);
  }
}

async function orKeyError<Result>(ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    throw new KeyError(error);
  }
}

/** Only a failure in the product's own words is told. Codex may ask again when the key was just not to be had now. */
function toKeyFailure(cause: unknown): UpstreamFailure {
  const { reason, message, hint } =
    cause instanceof RunError
      ? cause.failure
      : { reason: "model-auth", message: "The key for the model API could not be read.", hint: undefined };
  return reason === "model-unavailable"
    ? {
        failure: { reason, message, hint, concerns: "service" },
        refusal: { status: 503, code: "model_auth_unavailable", message },
      }
    : {
        failure: { reason: "model-auth", message, hint, concerns: "service" },
        refusal: { status: 400, code: "model_auth", message },
      };
}
