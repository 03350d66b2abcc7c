import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { createMask } from "../../src/masking/mask.ts";
import { toRunFailure } from "../../src/run/failure.ts";
import { openTracer, type TracingSettings } from "../../src/tracing/open-tracer.ts";
import { createRequest } from "../helpers/requests.ts";
import { createResult } from "../helpers/results.ts";
import { startCollector, type Span } from "./collector.ts";

const log = createLogger({ level: "silent", mask: createMask() });
const request = createRequest({ accepted_at: "2026-11-29T12:00:00.000Z", prompt: "Say the word xylophone" });
const done = createResult(request, {
  timings: { queued: 0.5, cloning: 1, running: 40, publishing: 2 },
  usage: { input_tokens: 500, cached_input_tokens: 100, output_tokens: 20 },
  codex: { version: "0.169.0", thread_id: "t", model: "gpt-5.5" },
  finished_at: "2026-11-29T12:00:44.000Z",
});

function toSettings(endpoint: string): TracingSettings {
  return { endpoint, headers: { "x-key": "trace-canary" }, serviceName: "codex-at-work" };
}

/** Seconds since the run was accepted. */
function toSeconds({ startTimeUnixNano, endTimeUnixNano }: Span): [number, number] {
  const since = (nanos: string): number =>
    Number(BigInt(nanos) / 1_000_000n) / 1000 - Date.parse(request.accepted_at) / 1000;
  return [since(startTimeUnixNano), since(endTimeUnixNano)].map((seconds) => Math.round(seconds * 1000) / 1000) as [
    number,
    number,
  ];
}

test("a run that is over is one trace, with a span for each stage under that of the run, and none of its words", async () => {
  await using collector = await startCollector();
  {
    await using tracer = await openTracer({ settings: toSettings(collector.url), log });
    tracer.note(request, done);
  }
  const [root, ...stages] = collector.spans.toSorted((one, other) =>
    one.name === "run" ? -1 : other.name === "run" ? 1 : 0,
  );
  expect(root).toMatchObject({ name: "run", traceId: request.run_id.replaceAll("-", ""), status: { code: 0 } });
  expect(root?.attributes).toEqual({
    "codex_orchestrator.run.id": request.run_id,
    "codex_orchestrator.run.repository": done.repo,
    "codex_orchestrator.run.status": "done",
    "codex_orchestrator.run.mode": done.mode,
    "codex_orchestrator.run.trigger": "github",
    "gen_ai.request.model": "gpt-5.5",
    "gen_ai.usage.input_tokens": 500,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
  });
  expect(stages.map((span) => [span.name, ...toSeconds(span)])).toEqual([
    ["queued", 0, 0.5],
    ["cloning", 0.5, 1.5],
    ["running", 1.5, 41.5],
    ["publishing", 41.5, 43.5],
  ]);
  expect(root === undefined ? [] : toSeconds(root)).toEqual([0, 44]);
  for (const stage of stages) expect(stage).toMatchObject({ parentSpanId: root?.spanId, traceId: root?.traceId });
  expect(collector.resources).toMatchObject([{ "service.name": "codex-at-work" }]);
  expect(collector.requests.map(({ path, headers }) => [path, headers["x-key"]])).toEqual([
    ["/v1/traces", "trace-canary"],
  ]);
  for (const word of ["xylophone", "trace-canary", "octocat", done.output.summary ?? "none"])
    expect(JSON.stringify(collector.requests.map(({ text }) => text))).not.toContain(word);
});

test("a run that failed is told by its reason, and the same run told twice has the same spans", async () => {
  await using collector = await startCollector();
  const error = toRunFailure("clone-failed", { message: "The branch xylophone is not there." });
  const timings = { queued: 0.5, cloning: 1, running: null, publishing: null };
  const failed = createResult(request, { status: "error", error, timings, usage: null, codex: null });
  for (let times = 0; times < 2; times += 1) {
    await using tracer = await openTracer({ settings: toSettings(collector.url), log });
    tracer.note(request, failed);
  }
  const runs = collector.spans.filter(({ name }) => name === "run");
  expect(runs[0]).toMatchObject({ status: { code: 2, message: "clone-failed" } });
  expect(runs[0]?.attributes["codex_orchestrator.run.reason"]).toBe("clone-failed");
  expect(collector.spans.map(({ name }) => name).sort()).toEqual([
    "cloning",
    "cloning",
    "queued",
    "queued",
    "run",
    "run",
  ]);
  expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(3);
  expect(JSON.stringify(collector.requests)).not.toContain("xylophone");
});

test.each([
  [
    "refuses",
    (response: Parameters<NonNullable<Parameters<typeof startCollector>[0]>>[0]) => void response.writeHead(400).end(),
  ],
  ["never answers", () => {}],
])("a collector that %s keeps nobody: the end comes within seconds", async (_what, answer) => {
  await using collector = await startCollector(answer);
  const beganAt = performance.now();
  {
    await using tracer = await openTracer({ settings: toSettings(collector.url), log });
    tracer.note(request, done);
  }
  expect(collector.requests).toHaveLength(1);
  expect(performance.now() - beganAt).toBeLessThan(10_000);
});

test("a collector that is not there keeps nobody, either", async () => {
  await using tracer = await openTracer({ settings: toSettings("http://127.0.0.1:1"), log });
  expect(() => tracer.note(request, done)).not.toThrow();
});

test("who asked for no traces loads nothing of OpenTelemetry", async () => {
  const composition = new URL("../../src/compose.ts", import.meta.url).href;
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({
      resolve: (specifier, context, next) => {
        const found = next(specifier, context);
        loaded.push(found.url);
        return found;
      },
    });
    await import(${JSON.stringify(composition)});
    const own = loaded.filter((url) => url.endsWith("/src/tracing/open-tracer.ts")).length;
    console.log(own, loaded.filter((url) => url.includes("opentelemetry")).length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  expect(stdout.trim()).toBe("1 0");
});
