import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { expect, onTestFinished, test } from "vitest";
import { compose } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { openMetrics } from "../../src/compose/metrics-route.ts";
import { createClaimStore } from "../../src/store/claims.ts";
import { openDatabase } from "../../src/store/database.ts";
import { readProcessIdentity } from "../../src/store/process-identity.ts";
import { toSpender } from "../../src/store/spending.ts";
import { createMetrics } from "../../src/web/metrics.ts";
import { startWebServer, type Route } from "../../src/web/server.ts";
import { refreshPage } from "../helpers/markdown-pages.ts";
import { createResult } from "../helpers/results.ts";
import { createNumberedRequest, noLimits } from "../store/lab.ts";

async function serve(route: Route): Promise<string> {
  const web = await startWebServer({ host: "127.0.0.1", port: 0, routes: [route], onError: () => {} });
  onTestFinished(() => web[Symbol.asyncDispose]());
  return `http://127.0.0.1:${web.port}/metrics`;
}

async function openProduct() {
  const folder = mkdtempSync(join(tmpdir(), "metrics-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const environment = {
    OPENAI_API_KEY: "sk-test-0123456789",
    RUNS_PATH: "runs",
    LOG_LEVEL: "silent",
    MAX_TOKENS_PER_DAY: "1000",
  };
  const config = readConfig({ environment, folder });
  const product = await compose({ config, role: "look", createReporter: () => null });
  onTestFinished(() => product[Symbol.asyncDispose]());
  return product;
}

test("runs that ended, the queue, and the answers are told, and no repository, person or run", async () => {
  const product = await openProduct();
  const metrics = openMetrics(product);
  const url = await serve(metrics.route);
  await fetch(url);

  const database = await openDatabase({ kind: "sqlite", path: product.paths.database });
  onTestFinished(() => database[Symbol.asyncDispose]());
  const [one, two] = [createNumberedRequest(1), createNumberedRequest(2)];
  for (const request of [one, two]) await product.store.add(request, { deliveryId: null, home: null, maxQueued: 1000 });
  const claims = createClaimStore(database, { process: readProcessIdentity() });
  const claim = await claims.claimNext({ scope: "all", limits: noLimits });
  const usage = { input_tokens: 500, cached_input_tokens: 100, output_tokens: 20 };
  const timings = { queued: 0.2, cloning: 1.2, running: 40, publishing: null };
  await claim?.writer.finish(createResult(one, { usage, timings }));
  metrics.noteWebhook(202);
  metrics.noteWebhook(401);
  product.modelAnswers.note("5xx");
  product.setUps.note("reused", { seconds: 0.5 });
  product.ledger.of(toSpender(one)).note(520);

  await expect
    .poll(async () => (await fetch(url)).text(), { timeout: 10_000, interval: 500 })
    .toContain('mode="full-auto"');
  const text = await (await fetch(url)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("codex_orchestrator_"));
  expect(lines).toEqual(
    expect.arrayContaining([
      'codex_orchestrator_runs_total{status="done",mode="full-auto",trigger="github"} 1',
      'codex_orchestrator_tokens_total{kind="input"} 500',
      'codex_orchestrator_tokens_total{kind="cached_input"} 100',
      'codex_orchestrator_tokens_total{kind="output"} 20',
      'codex_orchestrator_run_stage_seconds_sum{stage="running"} 40',
      'codex_orchestrator_queue_runs{place="waiting"} 1',
      'codex_orchestrator_queue_runs{place="executing"} 0',
      "codex_orchestrator_record_up 1",
      'codex_orchestrator_budget_remaining_tokens{budget="day"} 480',
      'codex_orchestrator_webhook_answers_total{class="2xx"} 1',
      'codex_orchestrator_webhook_answers_total{class="4xx"} 1',
      'codex_orchestrator_model_answers_total{class="5xx"} 1',
      'codex_orchestrator_model_answers_total{class="2xx"} 0',
      'codex_orchestrator_set_ups_total{way="reused"} 1',
      'codex_orchestrator_set_up_seconds_total{way="reused"} 0.5',
      'codex_orchestrator_set_ups_total{way="kept"} 0',
    ]),
  );
  for (const told of [one.run_id, "octo-org", "octocat", "sk-test", product.paths.runs])
    expect(text).not.toContain(told);
});

test("a record that cannot be read is told as such, and the process's own numbers are still there", async () => {
  const fail = async () => Promise.reject(new Error("away"));
  const errors: unknown[] = [];
  const metrics = createMetrics({
    ...{
      measureQueue: fail,
      followEnds: fail,
      readBudgetLeft: fail,
      modelAnswers: { read: () => new Map() },
      setUps: { read: () => new Map() },
    },
    onError: (error) => errors.push(error),
  });
  const response = await fetch(await serve(metrics.route));
  const text = await response.text();
  expect([response.status, text]).toEqual([200, expect.stringContaining("codex_orchestrator_record_up 0")]);
  expect(text).toContain("process_resident_memory_bytes");
  expect(errors).not.toEqual([]);
});

test("a record that hangs is waited for no longer than three seconds", async () => {
  const hang = () => new Promise<never>(() => {});
  const metrics = createMetrics({
    ...{
      measureQueue: hang,
      followEnds: hang,
      readBudgetLeft: hang,
      modelAnswers: { read: () => new Map() },
      setUps: { read: () => new Map() },
    },
    onError: () => {},
  });
  const text = await (await fetch(await serve(metrics.route))).text();
  expect(text).toContain("codex_orchestrator_record_up 0");
});

test("docs/metrics.md has every metric of the registry, with its labels (-u writes it)", async () => {
  const { registry } = openMetrics(await openProduct());
  const generate = () => toTable(registry);
  const page = await refreshPage("docs/metrics.md", [{ mark: "metrics", generate }]);
  await expect(page).toMatchFileSnapshot("../../docs/metrics.md");
});

function toTable(registry: Registry): string {
  const rows = registry.getMetricsAsArray().map((metric) => {
    const { name, help, labels } = describe(metric);
    const shown = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${toType(metric)} | ${shown} | ${help} |`;
  });
  return ["| Metric | Type | Labels | |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function describe(metric: object): { name: string; help: string; labels: string[] } {
  const { name, help, labelNames } = { name: "", help: "", labelNames: [] as string[], ...metric };
  return { name, help: help.replaceAll("|", "\\|"), labels: labelNames };
}

function toType(metric: object): string {
  if (metric instanceof Counter) return "counter";
  if (metric instanceof Histogram) return "histogram";
  return metric instanceof Gauge ? "gauge" : "summary";
}
