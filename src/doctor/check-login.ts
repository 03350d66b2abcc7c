import type { Config } from "../config.ts";
import { createModelLogin } from "../login/model-login.ts";
import { RunError } from "../run/failure.ts";
import { lockFile } from "../store/lock-file.ts";
import { fail, pass, type Finding } from "./check.ts";

/**
 * Whether the ChatGPT login of this machine can be used, when there is one and no key; null otherwise. It is looked at,
 * not renewed, and nothing is asked of anybody.
 */
export async function checkLogin(model: Config["model"]): Promise<Finding | null> {
  if (model.apiKey !== null) return null;
  const login = createModelLogin({
    ...{ apiKey: null, baseUrl: model.givenBaseUrl, authPath: model.authPath, lockFile },
    ...(model.tokenUrl === null ? {} : { tokenUrl: model.tokenUrl }),
  });
  try {
    const { kind, baseUrl } = await login.account();
    return kind === "chatgpt" ? pass(`the ChatGPT login is there and may be renewed; runs ask ${baseUrl}`) : null;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    return fail(error.failure.message, { mend: error.failure.hint });
  }
}
