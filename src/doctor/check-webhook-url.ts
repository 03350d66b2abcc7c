import { z } from "zod";
import type { AppCredentials } from "../config/app-credentials.ts";
import type { Config } from "../config.ts";
import { WEBHOOK_PATH } from "../trigger/github/webhook-path.ts";
import { askAsApp } from "./ask-app.ts";
import { fail, pass, type Finding } from "./check.ts";

const Hook = z.object({
  url: z.string().default(""),
  content_type: z.string().nullish(),
  insecure_ssl: z.coerce.string().nullish(),
});
const Deliveries = z.array(
  z.object({ delivered_at: z.string(), status: z.string().default(""), status_code: z.number().default(0) }),
);
type Deliveries = z.infer<typeof Deliveries>;

type WebhookConfig = Pick<Config, "github" | "http" | "webhookProxyUrl">;

/** An older failure says little about today. */
const RECENT_MS = 24 * 60 * 60_000;

/** Whether GitHub sends the App's webhooks to this server, and how the last of them were answered. */
export async function checkWebhookUrl(config: WebhookConfig, { signal }: { signal: AbortSignal }): Promise<Finding> {
  const { app } = config.github;
  if (app === null) return pass("not needed without a GitHub App");
  const [hook, deliveries] = await Promise.all([
    read(config, { app, path: "/app/hook/config", signal }),
    read(config, { app, path: "/app/hook/deliveries?per_page=10", signal }),
  ]);
  const parsed = Hook.safeParse(hook);
  const wrong = parsed.success ? judgeHook(parsed.data, config) : null;
  if (wrong !== null) return wrong;
  const target = parsed.success
    ? `GitHub sends webhooks to ${parsed.data.url}`
    : "GitHub does not tell where it sends webhooks";
  const list = Deliveries.safeParse(deliveries);
  return list.success ? judgeDeliveries(list.data, { target }) : pass(target);
}

type ReadOptions = { app: AppCredentials; path: string; signal: AbortSignal };

/** The answer's JSON, or null when there is none: older GitHub Enterprise Servers do not know all of it. */
async function read({ github }: WebhookConfig, options: ReadOptions): Promise<unknown> {
  const answer = await askAsApp(github.apiUrl, options);
  return answer.kind === "answer" && answer.status === 200 ? answer.body : null;
}

function judgeHook(hook: z.infer<typeof Hook>, { http, webhookProxyUrl }: WebhookConfig): Finding | null {
  const wanted =
    webhookProxyUrl ?? (http.publicUrl === null ? null : `${http.publicUrl.replace(/\/+$/, "")}${WEBHOOK_PATH}`);
  const variable = webhookProxyUrl === null ? "PUBLIC_URL" : "WEBHOOK_PROXY_URL";
  if (hook.url === "") {
    return fail("the GitHub App has no webhook URL", {
      mend: `Set it in the App's settings${wanted === null ? `; it ends in ${WEBHOOK_PATH}` : ` to ${wanted}`}, and make the webhook active.`,
    });
  }
  if (wanted === null ? !hook.url.endsWith(WEBHOOK_PATH) && !isProxy(hook.url) : hook.url !== wanted) {
    const instead =
      wanted === null ? `which does not end in ${WEBHOOK_PATH}` : `and not to ${wanted}, as ${variable} says`;
    return fail(`GitHub sends webhooks to ${hook.url}, ${instead}`, {
      mend: `Set the webhook URL in the App's settings, or ${variable}, so that both are the same.`,
    });
  }
  if (hook.content_type != null && hook.content_type !== "json") {
    return fail(`the App's webhooks are sent as ${hook.content_type}, not as application/json`, {
      mend: "Set the content type of the webhook to application/json in the App's settings.",
    });
  }
  return null;
}

/** Without a path of ours it may be a channel that passes on what it gets, such as smee.io. */
function isProxy(url: string): boolean {
  return URL.parse(url)?.hostname === "smee.io";
}

function judgeDeliveries(deliveries: Deliveries, { target }: { target: string }): Finding {
  const isBad = ({ status_code: code }: Deliveries[number]): boolean => code < 200 || code > 299;
  const bad = deliveries.filter(isBad);
  const [newest] = deliveries;
  if (newest === undefined) return pass(target, "it has delivered nothing yet");
  const words = `${bad.length} of the last ${deliveries.length} deliveries failed`;
  if (!isBad(newest) || Date.now() - Date.parse(newest.delivered_at) > RECENT_MS) {
    return pass(target, bad.length === 0 ? `its last ${deliveries.length} deliveries were taken` : words);
  }
  const how = newest.status_code === 0 ? newest.status : `HTTP ${newest.status_code}`;
  return fail(`${target}, but ${words}, the newest with ${how} at ${newest.delivered_at}`, {
    mend: `${toMend(newest.status_code)} Then send one again (the App's settings, Advanced, Recent Deliveries).`,
  });
}

function toMend(status: number): string {
  if (status === 401) return "Set the App's webhook secret and WEBHOOK_SECRET to the same.";
  if (status === 404) return `The webhook URL must end in ${WEBHOOK_PATH}.`;
  if (status === 0 || status === 502 || status === 504)
    return "Start `codex-orchestrator serve`, and let PUBLIC_URL lead to it.";
  return "Look at the server's log.";
}
