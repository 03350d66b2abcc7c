import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { z } from "zod";

const Value = z
  .union([z.object({ stringValue: z.string() }), z.object({ intValue: z.union([z.number(), z.string()]) })])
  .transform((value) => ("stringValue" in value ? value.stringValue : Number(value.intValue)));
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, value])));

/** A span as it stands in OTLP's JSON. */
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: Attributes,
  status: z.object({ code: z.number(), message: z.string().optional() }),
});
export type Span = z.infer<typeof Span>;

const Traces = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.looseObject({ attributes: Attributes }),
      scopeSpans: z.array(z.looseObject({ spans: z.array(Span) })),
    }),
  ),
});

export type Collector = AsyncDisposable & {
  url: string;
  /** What was sent, in the order it came. */
  spans: Span[];
  resources: Record<string, unknown>[];
  requests: { path: string; headers: IncomingHttpHeaders; text: string }[];
};

/** A collector on loopback that takes OTLP over HTTP as JSON, and answers as the test says. */
export async function startCollector(
  answer: (response: ServerResponse) => void = (response) => void response.end("{}"),
): Promise<Collector> {
  const collected: Pick<Collector, "spans" | "resources" | "requests"> = { spans: [], resources: [], requests: [] };
  const server = createServer(async (request, response) => {
    const body = await json(request);
    collected.requests.push({ path: request.url ?? "", headers: request.headers, text: JSON.stringify(body) });
    for (const { resource, scopeSpans } of Traces.parse(body).resourceSpans) {
      collected.resources.push(resource.attributes);
      collected.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
    }
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    ...collected,
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
