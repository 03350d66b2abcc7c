import { LoginEndedError, toLostAnswerError, toUnavailableError } from "./login-error.ts";
import type { HeldLogin, LoginKeeper } from "./login-keeper.ts";
import { toRenewedText, type ChatGptLogin, type StoredLogin } from "./stored-login.ts";
import { askTokenServer, type RefreshReason } from "./token-server.ts";

export type RenewLoginOptions = {
  /** The access token that is no good any more; when another one is kept by now, nothing is asked for. */
  staleToken: string;
  reason: RefreshReason;
  tokenUrl: string;
  nowMs: () => number;
};

/**
 * Renews a login, unless somebody else did so before this one's turn came. One refresh at a time, of all that share the
 * place; what it gives is saved before it is used. Gives what is kept then. Rejects with `model-auth` when the login has
 * ended or could not be saved, and with `model-unavailable` when the token server could not be used.
 */
export async function renewLogin(keeper: LoginKeeper, options: RenewLoginOptions): Promise<StoredLogin | null> {
  return await keeper.hold(async (held) => {
    const { login } = held;
    if (login?.kind !== "chatgpt" || login.accessToken !== options.staleToken) return login;
    await held.begin(login);
    return await refresh(login, { ...options, held });
  });
}

type RefreshOptions = RenewLoginOptions & { held: HeldLogin };

async function refresh(login: ChatGptLogin, options: RefreshOptions): Promise<StoredLogin | null> {
  const { held, tokenUrl, reason, nowMs } = options;
  const answer = await askTokenServer(tokenUrl, { refreshToken: login.refreshToken, reason });
  const wasCut = held.wasCut || (answer.kind !== "renewed" && answer.lost);
  // What may have used the token up stays on record, for the one that finds it refused.
  if (answer.kind !== "renewed" && !wasCut) await held.forget();
  switch (answer.kind) {
    case "renewed":
      return await held.save(toRenewedText(login, { tokens: answer.tokens, nowMs: nowMs() }));
    case "ended": {
      // Codex on this machine knows nothing of our lock: it may have used the token, and saved a new one.
      const now = await held.look();
      if (now?.kind === "chatgpt" && now.refreshToken !== login.refreshToken) return now;
      const isUsed = answer.why === "used" || answer.why === "refused";
      throw new LoginEndedError(isUsed && wasCut ? "cut" : answer.why, { detail: answer.detail });
    }
    case "unavailable":
      throw answer.lost ? toLostAnswerError(answer.why) : toUnavailableError(answer.why);
  }
}
