import { request as requestHttp, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { request as requestHttps } from "node:https";

export type SendUpstreamOptions = {
  headers: OutgoingHttpHeaders;
  body: Buffer;
  /** Aborting it ends the request at the model API too. */
  signal: AbortSignal;
};

/**
 * Sends one request to the model API and resolves with the head of its answer, whatever its status. No redirect is
 * followed. Rejects with Node's error when the API cannot be reached or the signal aborts.
 *
 * Connections are kept by Node's global agents, so runs share them, and `NODE_USE_ENV_PROXY` counts here as everywhere.
 */
export async function sendUpstream(endpoint: URL, options: SendUpstreamOptions): Promise<IncomingMessage> {
  try {
    return await sendOnce(endpoint, options);
  } catch (error) {
    // The API may close a kept connection in the moment we use it; nothing was answered, so it is sent again once.
    if (error instanceof StaleConnectionError && !options.signal.aborted) return await sendOnce(endpoint, options);
    throw error;
  }
}

class StaleConnectionError extends Error {}

function sendOnce(endpoint: URL, { headers, body, signal }: SendUpstreamOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = endpoint.protocol === "http:" ? requestHttp : requestHttps;
    const upstream = send(endpoint, {
      method: "POST",
      headers: { ...headers, "content-length": body.length },
      signal,
    });
    upstream.once("response", resolve);
    upstream.on("error", (error: NodeJS.ErrnoException) => {
      const stale = upstream.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
    });
    upstream.end(body);
  });
}
