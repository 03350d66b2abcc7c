import { setTimeout as sleep } from "node:timers/promises";
import packageJson from "../../package.json" with { type: "json" };
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import type { RunRequest } from "../run/request.ts";
import type { RunResult } from "../run/result.ts";
import { toRunSpans, toTraceId, type RunSpan } from "./run-spans.ts";

/** Where traces go: a collector's address without `/v1/traces`, and what is sent along, which may be secret. */
export type TracingSettings = { endpoint: string; headers: Record<string, string>; serviceName: string };

/** Tells a collector of runs that are over. Disposing it sends what waits, or gives it up after two seconds. */
export type RunTracer = AsyncDisposable & {
  /** Never throws, and waits for nothing: what the collector does not take is lost. */
  note(request: RunRequest, result: RunResult): void;
};

export type OpenTracerOptions = { settings: TracingSettings; log: Logger };

const SEND_WITHIN_MS = 5_000;
const END_WITHIN_MS = 2_000;
/** Runs end seldom, so what is told of one need not wait long for company. */
const GATHER_MS = 500;

/** Loads OpenTelemetry, which nobody pays for who did not ask for it, and makes a tracer. */
export async function openTracer({ settings, log }: OpenTracerOptions): Promise<RunTracer> {
  const { version } = packageJson;
  const [{ SpanStatusCode, trace, ROOT_CONTEXT }, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] =
    await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/sdk-trace"),
    ]);
  const url = `${settings.endpoint}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, headers: settings.headers, timeoutMillis: SEND_WITHIN_MS });
  const ids = { trace: "", span: "" };
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ "service.name": settings.serviceName, "service.version": version }),
    idGenerator: { generateTraceId: () => ids.trace, generateSpanId: () => ids.span },
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter: tellFailures(exporter, log), scheduledDelayMillis: GATHER_MS }),
    ],
  });
  const tracer = provider.getTracer("codex-orchestrator", version);

  const toSpan = ({ name, id, startMs, attributes, failure }: RunSpan, parent = ROOT_CONTEXT) => {
    ids.span = id;
    const span = tracer.startSpan(name, { startTime: startMs, attributes }, parent);
    if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    return span;
  };
  return {
    note: (request, result) => {
      const [run, ...stages] = toRunSpans(request, result);
      ids.trace = toTraceId(result);
      const root = toSpan(run);
      for (const stage of stages) toSpan(stage, trace.setSpan(ROOT_CONTEXT, root)).end(stage.endMs);
      root.end(run.endMs);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = provider.shutdown().catch(() => {});
      await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** The exporter, whose failures are logged; what it says may hold the address, and nothing of a run. */
function tellFailures(exporter: SpanExporter, log: Logger): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) log.warn({ err: result.error, spans: spans.length }, "traces were not taken");
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
