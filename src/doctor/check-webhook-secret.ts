import type { Config } from "../config.ts";
import { fail, pass, type Finding } from "./check.ts";
import { pingWebhook } from "./ping-webhook.ts";

const SHORTEST = 12;
const RECOMMENDED = 20;
const MEND =
  "Make a random one (openssl rand -hex 32), set it as WEBHOOK_SECRET, and in the GitHub App's settings too.";

export type CheckWebhookSecretOptions = { http: Config["http"]; signal: AbortSignal };

/**
 * Whether deliveries can be told from forged ones: by a signed ping to the server that runs here, when one does. Says nothing
 * about the secret itself.
 */
export async function checkWebhookSecret(
  { app }: Config["github"],
  { http, signal }: CheckWebhookSecretOptions,
): Promise<Finding> {
  if (app === null) return pass("not needed without a GitHub App");
  const { webhookSecret } = app;
  if (webhookSecret === null) return fail("WEBHOOK_SECRET is not set, so anybody could start runs", { mend: MEND });
  if (webhookSecret.length < SHORTEST)
    return fail(`WEBHOOK_SECRET is shorter than ${SHORTEST} characters`, { mend: MEND });
  const note = webhookSecret.length < RECOMMENDED ? `${RECOMMENDED} characters or more would be better` : null;
  return pingWebhook(http, { secret: webhookSecret, note, signal });
}
