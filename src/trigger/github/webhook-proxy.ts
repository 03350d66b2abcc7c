import { setTimeout as sleep } from "node:timers/promises";
import { createParser } from "eventsource-parser";
import { z } from "zod";
import type { Logger } from "../../logger.ts";

export type WebhookProxyOptions = {
  /** The webhook route of this server. */
  targetUrl: string;
  log: Logger;
  /** First pause before it connects again, in milliseconds; it doubles up to a minute. Default one second. */
  pauseMs?: number;
  /** Longest silence of a connection, in milliseconds. smee.io says something every half minute. Default two minutes. */
  silenceMs?: number;
};

const LONGEST_PAUSE_MS = 60_000;
const DELIVERY_MS = 30_000;

/**
 * Takes webhooks from a channel of smee.io and hands them to the webhook route, which checks their signatures as of any
 * other. Connects again for as long as it takes. Disposing it ends the connection.
 */
export function startWebhookProxy(channelUrl: string, options: WebhookProxyOptions): AsyncDisposable {
  const stop = new AbortController();
  const work = listenForever(channelUrl, { ...options, signal: stop.signal });
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await work;
    },
  };
}

type ListenOptions = WebhookProxyOptions & { signal: AbortSignal };

async function listenForever(channelUrl: string, options: ListenOptions): Promise<void> {
  const { log, signal, pauseMs: firstPauseMs = 1000 } = options;
  const { host } = new URL(channelUrl);
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    const onOpen = (): void => {
      pauseMs = firstPauseMs;
      log.info({ host }, "webhooks come through WEBHOOK_PROXY_URL");
    };
    const why = await listen(channelUrl, { ...options, onOpen }).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    if (signal.aborted) return;
    log.warn({ host, why, pauseMs }, "the connection to WEBHOOK_PROXY_URL ended, it is made again");
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Listens until the connection ends; resolves with why. */
async function listen(channelUrl: string, options: ListenOptions & { onOpen: () => void }): Promise<string> {
  const { onOpen, silenceMs = 120_000, signal } = options;
  const silence = new AbortController();
  const clock = setTimeout(() => silence.abort(new Error("it fell silent")), silenceMs);
  try {
    const response = await fetch(channelUrl, {
      headers: { accept: "text/event-stream", "user-agent": "codex-orchestrator" },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) return `it answers with HTTP ${response.status}`;
    onOpen();
    const parser = createParser({
      onEvent: ({ event, data }) => void (event === undefined || event === "message" ? handOver(data, options) : null),
    });
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      clock.refresh();
      parser.feed(text);
    }
    return "it was closed";
  } finally {
    clearTimeout(clock);
  }
}

/** What smee.io tells of a request: its headers by name, and its body as JSON. */
const Message = z.looseObject({ body: z.record(z.string(), z.unknown()) });
const HEADERS = ["x-github-event", "x-github-delivery", "x-hub-signature-256", "x-github-hook-id"] as const;

async function handOver(data: string, { targetUrl, log, signal }: ListenOptions): Promise<void> {
  try {
    const { body, ...told } = Message.parse(JSON.parse(data));
    const headers = HEADERS.flatMap((name) => (typeof told[name] === "string" ? [[name, told[name]]] : []));
    const response = await fetch(targetUrl, {
      method: "POST",
      headers: { ...Object.fromEntries(headers), "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(DELIVERY_MS)]),
    });
    await response.body?.cancel();
    log.debug({ status: response.status }, "a webhook was handed over");
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, "a message of WEBHOOK_PROXY_URL could not be handed over");
  }
}
