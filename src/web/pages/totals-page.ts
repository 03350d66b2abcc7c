import { html } from "hono/html";
import { toDurationText } from "../../run/words.ts";
import type { Totals, TotalsReport } from "../../store/totals.ts";
import { toDaysChart } from "./days-chart.ts";
import { toPage, type Html, type Viewer } from "./layout.ts";
import { toShownText } from "./words.ts";

export type TotalsPageOptions = {
  viewer: Viewer;
  report: TotalsReport;
  /** All days that are looked back to, the newest first. */
  days: readonly string[];
};

/** What the runs that ended in the last 30 days came to: in sum, by day and by repository. */
export function toTotalsPage({ viewer, report, days }: TotalsPageOptions): Html {
  const { all, repositories, repositoryCount } = report;
  return toPage("Last 30 days", {
    viewer,
    body: html`<h1>Last 30 days</h1>
      ${toFacts(all)}
      ${
        all.runs === 0
          ? html`<p>No run ended in this time.</p>`
          : html`<section aria-labelledby="days-title">
                <h2 id="days-title">By day</h2>
                ${toDaysChart(report.days, { days })}
                ${toTable(
                  report.days.map((day) => ({ ...day, name: day.day })),
                  "Day",
                )}
              </section>
              <section aria-labelledby="repositories-title">
                <h2 id="repositories-title">By repository</h2>
                ${toTable(
                  repositories.map((row) => ({ ...row, name: row.repo })),
                  "Repository",
                )}
                ${toRest(repositoryCount - repositories.length)}
              </section>`
      }
      <p class="dim">
        Runs that ended since ${days.at(-1) ?? ""}; days are of UTC. Tokens are counted in the gateway.
      </p>`,
  });
}

function toRest(more: number): Html | "" {
  if (more <= 0) return "";
  return html`<p class="dim">And ${more} more ${more === 1 ? "repository" : "repositories"} with fewer runs.</p>`;
}

function toFacts(all: Totals): Html {
  const facts: [name: string, value: string][] = [
    ["Runs", toCount(all.runs)],
    ["Done", toShare(all)],
    ["Tokens in", `${toCount(all.input_tokens)} (${toCount(all.cached_input_tokens)} cached)`],
    ["Tokens out", toCount(all.output_tokens)],
    ["Average time", toMean(all.took_ms, all)],
    ["Longest time", all.runs === 0 ? "" : toDurationText(all.longest_ms / 1000)],
    ["Average wait", toMean(all.queued_ms, all)],
    ["Longest wait", all.runs === 0 ? "" : toDurationText(all.longest_queued_ms / 1000)],
  ];
  return html`<dl class="facts">
    ${facts.map(([name, value]) =>
      value === ""
        ? ""
        : html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}

const outcomes = ["done", "need_user", "error", "timeout", "cancelled"] as const;
const outcomeNames = {
  done: "Done",
  need_user: "Needs you",
  error: "Error",
  timeout: "Timeout",
  cancelled: "Cancelled",
};

type Row = Totals & { name: string };

function toTable(rows: readonly Row[], title: string): Html {
  return html`<div class="wide" tabindex="0" role="group" aria-label="By ${title.toLowerCase()}">
    <table class="runs figures">
      <thead>
        <tr>
          <th scope="col">${title}</th>
          <th scope="col">Runs</th>
          ${outcomes.map((outcome) => html`<th scope="col">${outcomeNames[outcome]}</th>`)}
          <th scope="col">Tokens in</th>
          <th scope="col">Tokens out</th>
          <th scope="col">Average time</th>
          <th scope="col">Longest time</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(toRow)}
      </tbody>
    </table>
  </div>`;
}

function toRow(row: Row): Html {
  return html`<tr>
    <th scope="row"><bdi>${toShownText(row.name)}</bdi></th>
    <td data-label="Runs">${toCount(row.runs)}</td>
    ${outcomes.map((outcome) => html`<td data-label="${outcomeNames[outcome]}">${row[outcome] === 0 ? "" : toCount(row[outcome])}</td>`)}
    <td data-label="Tokens in">${toCount(row.input_tokens)}</td>
    <td data-label="Tokens out">${toCount(row.output_tokens)}</td>
    <td data-label="Average time">${toMean(row.took_ms, row)}</td>
    <td data-label="Longest time">${toDurationText(row.longest_ms / 1000)}</td>
  </tr>`;
}

function toMean(sumMs: number, { runs }: Pick<Totals, "runs">): string {
  return runs === 0 ? "" : toDurationText(sumMs / runs / 1000);
}

function toShare({ done, runs }: Totals): string {
  return runs === 0 ? "" : `${toCount(done)} (${Math.round((100 * done) / runs)} %)`;
}

function toCount(count: number): string {
  return count.toLocaleString("en-US");
}
