import { createHmac, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WEBHOOK_PATH } from "../trigger/github/webhook-path.ts";
import { askHttp } from "./ask-http.ts";
import { fail, pass, type Finding } from "./check.ts";

/** What GitHub sends when a webhook is new; nothing is done about it. */
const BODY = JSON.stringify({ zen: "codex-orchestrator doctor asks whether this signature is taken.", hook_id: 0 });

const Health = z.object({ ok: z.literal(true) });

export type PingWebhookOptions = { secret: string; note: string | null; signal: AbortSignal };

/** Sends the server on HOST and PORT a ping that is signed with the secret, and one that is not. No server is no failure. */
export async function pingWebhook(http: Config["http"], options: PingWebhookOptions): Promise<Finding> {
  const { secret, note, signal } = options;
  const origin = toOwnOrigin(http);
  const health = await askHttp(new URL("/healthz", origin), { headers: {}, signal });
  if (health.kind === "unreachable") {
    return pass(`WEBHOOK_SECRET is set; no server runs at ${origin}, so its webhook route was not tried`, note);
  }
  if (!Health.safeParse(health.body).success) {
    return fail(`another program listens at ${origin}, where this server would`, {
      mend: "End that program, or set PORT (or HOST) to an address that is free.",
    });
  }
  const signed = await ping(origin, { secret, signal });
  const forged = await ping(origin, { secret: randomUUID(), signal });
  return judgePing({ signed, forged }, { origin, note });
}

/** Where a server that listens on all addresses can be reached from here. */
function toOwnOrigin({ host, port }: Config["http"]): string {
  const own = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[host] ?? (host.includes(":") ? `[${host}]` : host);
  return `http://${own}:${port}`;
}

/** The status of the answer, or 0 when there was none. */
async function ping(
  origin: string,
  { secret, signal }: Pick<PingWebhookOptions, "secret" | "signal">,
): Promise<number> {
  const headers = {
    "content-type": "application/json",
    "x-github-event": "ping",
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(BODY).digest("hex")}`,
  };
  const answer = await askHttp(new URL(WEBHOOK_PATH, origin), { headers, body: BODY, signal });
  return answer.kind === "answer" ? answer.status : 0;
}

type Statuses = { signed: number; forged: number };

function judgePing({ signed, forged }: Statuses, { origin, note }: { origin: string; note: string | null }): Finding {
  const server = `the server at ${origin}`;
  if (signed === 401) {
    return fail(`${server} refuses a ping signed with WEBHOOK_SECRET (HTTP 401): it was started with another one`, {
      mend: "Set WEBHOOK_SECRET to what the GitHub App's settings have, then restart `codex-orchestrator serve`.",
    });
  }
  if (signed === 404) {
    return fail(`${server} runs without a GitHub App, so it takes no webhooks (HTTP 404)`, {
      mend: "Restart `codex-orchestrator serve`, so that it reads APP_ID.",
    });
  }
  if (signed < 200 || signed > 299) {
    return fail(`${server} answers a signed ping with ${signed === 0 ? "nothing" : `HTTP ${signed}`}`, {
      mend: "Look at its log, then restart `codex-orchestrator serve`.",
    });
  }
  if (forged !== 401) {
    return fail(`${server} takes a ping that is signed with another secret (HTTP ${forged})`, {
      mend: "Stop it: what answers on PORT is not `codex-orchestrator serve`, or something in front of it loses the check.",
    });
  }
  return pass(`${server} takes a ping signed with WEBHOOK_SECRET and refuses a forged one`, note);
}
