import { html } from "hono/html";
import { toDurationText } from "../../run/words.ts";
import type { RunRecord } from "../../store/runs.ts";
import { toPage, type Html, type Viewer } from "./layout.ts";
import { states, toShownText, toStateLabel, toStateName, toTime, toWebUrl } from "./words.ts";

/** Which runs a list shows. An empty text stands for all. */
export type RunFilters = { state: string; repo: string };

export type RunsPageOptions = {
  viewer: Viewer;
  filters: RunFilters;
  records: readonly RunRecord[];
  /** The run that the next page begins after; null on the last page. */
  next: string | null;
  isFirst: boolean;
};

/** The runs, newest first. */
export function toRunsPage({ viewer, filters, records, next, isFirst }: RunsPageOptions): Html {
  return toPage("Runs", {
    viewer,
    refreshS: 30,
    body: html`<h1>Runs</h1>
      ${toFilterForm(filters)}
      ${records.length === 0 ? html`<p>${toNothing(filters, { isFirst })}</p>` : toTable(records)}
      <p class="tools">
        ${isFirst ? "" : html`<a href="${toListHref(filters, {})}">Newest</a>`}
        ${next === null ? "" : html`<a rel="next" href="${toListHref(filters, { before: next })}">Older</a>`}
      </p>`,
  });
}

function toFilterForm({ state, repo }: RunFilters): Html {
  return html`<form method="get" action="/runs" class="filters" role="search">
    <label for="state">State</label>
    <select id="state" name="state">
      <option value="">all</option>
      ${states.map((name) => html`<option value="${name}" ${name === state ? "selected" : ""}>${toStateName(name)}</option>`)}
    </select>
    <label for="repo">Repository</label>
    <input id="repo" name="repo" value="${repo}" placeholder="owner/name" autocapitalize="off" spellcheck="false" />
    <button>Show</button>
  </form>`;
}

function toNothing({ state, repo }: RunFilters, { isFirst }: { isFirst: boolean }): string {
  if (!isFirst) return "There are no older runs.";
  return state === "" && repo === "" ? "There are no runs yet." : "No run is like that.";
}

function toTable(records: readonly RunRecord[]): Html {
  return html`<table class="runs">
    <thead>
      <tr>
        <th scope="col">Run</th>
        <th scope="col">State</th>
        <th scope="col">Repository</th>
        <th scope="col">Asked</th>
        <th scope="col">Took</th>
        <th scope="col">Result</th>
      </tr>
    </thead>
    <tbody>
      ${records.map(toRow)}
    </tbody>
  </table>`;
}

function toRow({ runId, repo, state, acceptedAt, result }: RunRecord): Html {
  return html`<tr>
    <td data-label="Run">
      <a href="/runs/${runId}"><code>${runId.slice(-8)}</code></a>
    </td>
    <td data-label="State">${toStateLabel(state)}</td>
    <td data-label="Repository"><bdi>${toShownText(repo)}</bdi></td>
    <td data-label="Asked">${toTime(acceptedAt)}</td>
    <td data-label="Took">${result === null ? "" : toDurationText(result.duration)}</td>
    <td data-label="Result">${toOutcome(result)}</td>
  </tr>`;
}

function toOutcome(result: RunRecord["result"]): Html | string {
  const url = toWebUrl(result?.pull_request?.url ?? null);
  if (result?.pull_request && url !== null) return html`<a href="${url}">#${result.pull_request.number}</a>`;
  return result?.error?.reason ?? "";
}

function toListHref({ state, repo }: RunFilters, { before }: { before?: string }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ state, repo, before: before ?? "" }))
    if (value !== "") query.set(name, value);
  return query.size === 0 ? "/runs" : `/runs?${query}`;
}
