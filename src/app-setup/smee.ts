/** Where smee.io makes channels. */
export const SMEE_URL = "https://smee.io/new";

export type MakeChannelOptions = {
  /** Default: smee.io's own. */
  newUrl?: string;
  signal: AbortSignal;
};

/**
 * Makes a channel that passes webhooks on to whoever listens to it: its address is where smee.io leads from /new. Null when
 * that cannot be had. Rejects only when the signal aborts.
 */
export async function makeSmeeChannel({ newUrl = SMEE_URL, signal }: MakeChannelOptions): Promise<string | null> {
  try {
    const answer = await fetch(newUrl, { redirect: "manual", signal });
    const location = URL.parse(answer.headers.get("location") ?? "", newUrl);
    const isChannel = location !== null && location.origin === new URL(newUrl).origin && location.pathname.length > 1;
    return answer.status >= 300 && answer.status < 400 && isChannel ? location.href : null;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
