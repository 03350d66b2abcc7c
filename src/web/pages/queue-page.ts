import { html } from "hono/html";
import { toDurationText } from "../../run/words.ts";
import type { ExecutingRun, QueueView, WaitingRun } from "../../store/read-queue.ts";
import { toPage, type Html, type Viewer } from "./layout.ts";
import type { PagesOptions } from "./pages-options.ts";
import { toDoing } from "./state-view.ts";
import { toShownText, toStateLabel } from "./words.ts";

export type QueuePageOptions = { viewer: Viewer; limits: PagesOptions["limits"]; queue: QueueView };

const REFRESH_S = 10;

/** What runs, what waits, and for what. */
export function toQueuePage({ viewer, limits, queue }: QueuePageOptions): Html {
  const { measure, executing, waiting } = queue;
  return toPage("Queue", {
    viewer,
    refreshS: REFRESH_S,
    body: html`<h1>Queue</h1>
      <p>
        ${toCountText(measure)} This server executes at most ${limits.total} at once;
        ${limits.perRepository === 1 ? "1 run" : `${limits.perRepository} runs`} of one repository may go on at once.
      </p>
      <section aria-labelledby="executing-title">
        <h2 id="executing-title">Running</h2>
        ${executing.length === 0 ? html`<p class="dim">Nothing runs.</p>` : toExecutingTable(executing)}
        ${toRest(measure.executing - executing.length)}
      </section>
      <section aria-labelledby="waiting-title">
        <h2 id="waiting-title">Waiting</h2>
        ${waiting.length === 0 ? html`<p class="dim">Nothing waits.</p>` : toWaitingTable(waiting)}
        ${toRest(measure.waiting - waiting.length)}
      </section>`,
  });
}

function toCountText({ executing, waiting, oldestAcceptedAt }: QueueView["measure"]): string {
  const running = executing === 1 ? "1 run is executed" : `${executing} runs are executed`;
  if (waiting === 0 || oldestAcceptedAt === null) return `${running}, none waits.`;
  const longest = toDurationText(secondsSince(oldestAcceptedAt));
  return `${running}, ${waiting === 1 ? "1 waits" : `${waiting} wait`}, the first of them for ${longest}.`;
}

function toRest(more: number): Html | "" {
  return more <= 0 ? "" : html`<p class="dim">And ${more} more.</p>`;
}

function toExecutingTable(runs: readonly ExecutingRun[]): Html {
  return html`<table class="runs">
    <thead>
      <tr>
        ${["Run", "State", "Repository", "Lane", "For", "Now"].map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${runs.map(
        (run) =>
          html`<tr>
            <td data-label="Run">${toRunLink(run.run_id)}</td>
            <td data-label="State">${toStateLabel(run.state)}</td>
            <td data-label="Repository"><bdi>${toShownText(run.repo)}</bdi></td>
            <td data-label="Lane">${toLaneText(run.lane)}</td>
            <td data-label="For">${toDurationText(secondsSince(run.accepted_at))}</td>
            <td data-label="Now">${toDoing(run.progress) ?? ""}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function toWaitingTable(runs: readonly WaitingRun[]): Html {
  return html`<table class="runs">
    <thead>
      <tr>
        ${["Place", "Run", "Repository", "Lane", "Since", "Waits for"].map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${runs.map(
        ({ position, run_id: runId, repo, lane, accepted_at: acceptedAt, behind }) =>
          html`<tr>
            <td data-label="Place">${position}</td>
            <td data-label="Run">${toRunLink(runId)}</td>
            <td data-label="Repository"><bdi>${toShownText(repo)}</bdi></td>
            <td data-label="Lane">${toLaneText(lane)}</td>
            <td data-label="Since">${toDurationText(secondsSince(acceptedAt))}</td>
            <td data-label="Waits for">${behind === null ? "a free place" : html`run ${toRunLink(behind)}`}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function toRunLink(runId: string): Html {
  return html`<a href="/runs/${runId}"><code>${runId.slice(-8)}</code></a>`;
}

/** What a run shares with those that are executed one after the other: see lane.ts. */
function toLaneText(lane: string | null): string {
  const [, name = ""] = /^[^#]*#([\s\S]*)$/.exec(lane ?? "") ?? [];
  if (name === "") return "";
  const thread = /^thread\/(\d+)$/.exec(name);
  if (thread !== null) return `thread #${thread[1]}`;
  const session = /^codex-thread\/(.+)$/.exec(name);
  return session === null ? `branch ${toShownText(name)}` : `Codex thread ${toShownText(session[1] ?? "").slice(-8)}`;
}

function secondsSince(moment: string): number {
  return Math.max(0, (Date.now() - Date.parse(moment)) / 1000);
}
