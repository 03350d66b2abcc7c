import { RunError } from "../run/failure.ts";

/** Why the token server will not renew a login any more. */
export type EndedWhy = "used" | "cut" | "expired" | "revoked" | "refused";

const LOGIN_AGAIN = "Run `codex login` again on the machine that CODEX_AUTH_PATH is on, then ask again.";
const FILE = "the login that CODEX_AUTH_PATH names";

const ended: Record<EndedWhy, string> = {
  used: "its refresh token was used already, by another program or with a copy of the file",
  cut: "a refresh was cut off before its answer could be saved, and with that the refresh token was used up",
  expired: "its refresh token has expired",
  revoked: "it was revoked",
  refused: "the token server refuses to renew it",
};

/** The login is over; only a person can make a new one. `detail` is the server's own code or status. */
export class LoginEndedError extends RunError {
  constructor(why: EndedWhy, { detail }: { detail: string }) {
    super("model-auth", `The ChatGPT login has ended: ${ended[why]} (${detail}).`, { hint: LOGIN_AGAIN });
  }
}

/** The model API takes neither the token nor the one made of it a moment ago. */
export function toRefusedError(): RunError {
  return new RunError("model-auth", "The model API refused the ChatGPT login, although it had just been renewed.", {
    hint: `Check that the account may use Codex. ${LOGIN_AGAIN}`,
  });
}

/** There is no login where one was asked for. */
export function toMissingError(): RunError {
  return new RunError("model-auth", "There is no login for the model API: CODEX_AUTH_PATH names no file.", {
    hint: "Run `codex login`, or set OPENAI_API_KEY.",
  });
}

/** The login is there and cannot be used as it is. `why` goes on where the sentence begins; `mend` is a sentence. */
export function toUnusableError(why: string, { mend = LOGIN_AGAIN, cause }: UnusableOptions = {}): RunError {
  return new RunError("model-auth", `The login for the model API cannot be used: ${why}.`, { hint: mend, cause });
}

type UnusableOptions = { mend?: string; cause?: unknown };

/** The token server could not be used now; nothing says that the login is over. */
export function toUnavailableError(why: string, { cause }: { cause?: unknown } = {}): RunError {
  return new RunError("model-unavailable", `The ChatGPT login could not be renewed: ${why}.`, {
    hint: "Try again later, and check this machine's way to the token server.",
    cause,
  });
}

/** The refresh token may be used up without a new one in our hands. */
export function toLostAnswerError(why: string): RunError {
  return new RunError(
    "model-unavailable",
    `The ChatGPT login could not be renewed: ${why}; the answer to a refresh was lost, so the login may be used up.`,
    { hint: `Try again; when it then says that the login has ended: ${LOGIN_AGAIN}` },
  );
}

/** How the file must be to be used: `chmod 600`, by its owner. */
export const MEND_SHARED = `Run \`chmod 600\` on ${FILE}, and log in anew when others may have read it.`;

/** What to do about a file that only its owner may replace. */
export const MEND_OWNER = `Run the orchestrator as the owner of ${FILE}, or let its own user run \`codex login\`.`;

/** What to do about a place that cannot be written. */
export const MEND_READ_ONLY = `Make ${FILE} and its folder writable: tokens rotate, and the new ones must be saved.`;

/** What to do about a folder whose files cannot be locked. */
export const MEND_LOCK = `Keep ${FILE} on a disk of this machine, in a folder that the orchestrator may write.`;

/** What to do about a file that stands alone in a container. */
export const MEND_MOUNT = `Mount the folder of ${FILE}, not the file alone.`;

/** What to do about a file with two names. */
export const MEND_LINKED = `Give the orchestrator a login of its own: copy nothing, run \`codex login\` for it.`;
