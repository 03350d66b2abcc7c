import { html } from "hono/html";
import type { RunRequest } from "../../run/request.ts";
import type { RunResult } from "../../run/result.ts";
import { toDurationText, toOutcomeWords } from "../../run/words.ts";
import type { Page } from "../../store/page.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toActionView } from "./action-view.ts";
import type { Findings } from "./find-in-log.ts";
import { toDiffView } from "./diff-view.ts";
import { toHref, toPage, type Html, type Viewer } from "./layout.ts";
import type { LogPage } from "./log-page.ts";
import { toLogView } from "./log-view.ts";
import { toStateView } from "./state-view.ts";
import { toTimingsBar } from "./timings-bar.ts";
import { toShownText, toTime, toWebUrl } from "./words.ts";

export type RunPageOptions = {
  viewer: Viewer;
  record: RunRecord;
  request: RunRequest | null;
  log: LogPage | null;
  /** What somebody looks for in the log, and what was found. */
  wanted: string;
  findings: Findings | null;
  /** The beginning of the diff; null when there is none to show. */
  diff: Page | null;
};

const REFRESH_S = 10;

/** One run: where it stands or what came out of it, what was asked, its log and its changes. */
export function toRunPage({ viewer, record, request, log, diff, ...search }: RunPageOptions): Html {
  const { runId, repo, result } = record;
  const isOver = result !== null;
  return toPage(`Run ${runId.slice(-8)} of ${toShownText(repo)}`, {
    viewer,
    refreshS: isOver ? undefined : REFRESH_S,
    body: html`<h1>
        Run <code>${runId.slice(-8)}</code> <span class="dim">of <bdi>${toShownText(repo)}</bdi></span>
      </h1>
      <div id="state">${toStateView(record)}</div>
      ${toActionView(runId, { viewer, state: isOver ? "over" : "going" })} ${isOver ? toOutcome(result) : ""}
      ${isOver ? toTimingsBar(result.timings) : ""} ${toFacts({ viewer, record, request })}
      ${request === null ? "" : toPrompt(request)}
      ${toLogView({ runId, viewer, page: log, goesOn: isOver ? "still" : "live", ...search })}
      ${diff === null ? "" : toDiffView({ runId, viewer, page: diff })}`,
  });
}

function toOutcome(result: RunResult): Html {
  const { headline, next } = toOutcomeWords(result);
  const { summary } = result.output;
  return html`<div class="outcome">
    <p><strong>${toShownText(headline)}</strong></p>
    ${next === null ? "" : html`<p>${toShownText(next)}</p>`}
    ${summary === null ? "" : html`<pre class="words">${toShownText(summary)}</pre>`}
  </div>`;
}

function toPrompt({ prompt }: RunRequest): Html {
  return html`<section aria-labelledby="prompt-title">
    <h2 id="prompt-title">Prompt</h2>
    <pre class="words">${toShownText(prompt)}</pre>
  </section>`;
}

type FactsOptions = Pick<RunPageOptions, "viewer" | "record" | "request">;

function toFacts({ viewer, record: { runId, acceptedAt, result }, request }: FactsOptions): Html {
  const file = (name: string): Html => html`<a href="${toHref(`/runs/${runId}/${name}`, viewer)}">${name}</a>`;
  const facts: [name: string, value: Html | string | null][] = [
    ["Run", html`<code>${runId}</code>`],
    ["Asked", toAsked(acceptedAt, request)],
    ["Mode", request?.mode ?? result?.mode ?? null],
    ["Pull request", toPull(result)],
    ["Branch", result?.branch == null ? null : html`<code>${toShownText(result.branch)}</code>`],
    ["Commit", result?.commit == null ? null : html`<code>${result.commit.slice(0, 12)}</code>`],
    ["Took", result === null ? null : toDurationText(result.duration)],
    ["Tokens", toTokens(result)],
    ["Codex", toCodex(result)],
    [
      "Files",
      result === null
        ? html`${file("log")} ${file("events")}`
        : html`${file("log")} ${file("events")} ${file("result")}`,
    ],
  ];
  return html`<dl class="facts">
    ${facts.map(([name, value]) =>
      value === null
        ? ""
        : html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}

function toAsked(acceptedAt: string, request: RunRequest | null): Html {
  const url = toWebUrl(request?.trigger.url ?? null);
  const { actor = null, kind = null } = request?.trigger ?? {};
  const by = actor === null ? "" : html` by <bdi>${toShownText(actor)}</bdi>`;
  const where = url === null ? (kind ?? "") : html`<a href="${url}">on GitHub</a>`;
  return html`${toTime(acceptedAt)}${by} ${where}`;
}

function toPull(result: RunResult | null): Html | null {
  const url = toWebUrl(result?.pull_request?.url ?? null);
  return url === null ? null : html`<a href="${url}">#${result?.pull_request?.number}</a>`;
}

function toTokens(result: RunResult | null): string | null {
  if (result?.usage == null) return null;
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output } = result.usage;
  const [into, kept, out] = [input, cached, output].map((count) => count.toLocaleString("en-US"));
  return `${into} in (${kept} cached), ${out} out`;
}

function toCodex(result: RunResult | null): string | null {
  const { version = null, model = null } = result?.codex ?? {};
  const parts = [...(version === null ? [] : [version]), ...(model === null ? [] : [`model ${model}`])];
  return parts.length === 0 ? null : toShownText(parts.join(", "));
}
