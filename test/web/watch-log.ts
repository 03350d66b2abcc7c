import { createParser } from "eventsource-parser";
import { expect } from "vitest";
import { z } from "zod";
import { TOKEN } from "./pages-world.ts";

/** What a `log` event holds: pieces of text, and how those look that do not look as usual. */
const Pieces = z.array(z.tuple([z.string()]).or(z.tuple([z.string(), z.string()])));

type Event = { event: string; id: string | undefined; data: string };
/** A live log as a browser has it. */
export type Watched = AsyncDisposable & {
  events: Event[];
  pieces(): z.infer<typeof Pieces>;
  text(): string;
  until(isThere: () => boolean): Promise<void>;
};

/** Opens the stream as EventSource does. */
export async function watchLog(url: string, headers: Record<string, string> = {}): Promise<Watched> {
  const stopping = new AbortController();
  const response = await fetch(url, {
    headers: { accept: "text/event-stream", authorization: `Bearer ${TOKEN}`, ...headers },
    signal: stopping.signal,
  });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  const events: Event[] = [];
  const parser = createParser({ onEvent: ({ event = "", id, data }) => void events.push({ event, id, data }) });
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }));
  })().catch(() => {});
  const pieces = (): z.infer<typeof Pieces> =>
    events.filter(({ event }) => event === "log").flatMap(({ data }) => Pieces.parse(JSON.parse(data)));
  return {
    events,
    pieces,
    text: () =>
      pieces()
        .map(([text]) => text)
        .join(""),
    until: (isThere) => expect.poll(isThere, { timeout: 10_000 }).toBe(true),
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await reading;
    },
  };
}
