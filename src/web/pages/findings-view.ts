import { html } from "hono/html";
import type { RunId } from "../../run/id.ts";
import { MAX_FOUND, type Findings } from "./find-in-log.ts";
import { toHref, type Html, type Viewer } from "./layout.ts";
import { toShownText } from "./words.ts";

export type FindingsViewOptions = {
  runId: RunId;
  viewer: Viewer;
  wanted: string;
  /** Null while nothing is looked for. */
  findings: Findings | null;
};

/** The form that looks through a log, and what it found; each line leads to its place. */
export function toFindingsView({ runId, viewer, wanted, findings }: FindingsViewOptions): Html {
  return html`<form method="get" action="/runs/${runId}#log-title" class="filters" role="search">
      ${viewer.visitor.kind === "guest" ? html`<input type="hidden" name="key" value="${viewer.visitor.key}" />` : ""}
      <label for="find">Find in the log</label>
      <input id="find" name="find" type="search" value="${wanted}" maxlength="200" />
      <button>Find</button>
    </form>
    ${findings === null ? "" : toList(findings, { runId, viewer })}`;
}

function toList({ lines, more }: Findings, { runId, viewer }: Pick<FindingsViewOptions, "runId" | "viewer">): Html {
  if (lines.length === 0) return html`<p role="status">No line holds it.</p>`;
  const count = more ? `The first ${MAX_FOUND} lines` : lines.length === 1 ? "1 line" : `${lines.length} lines`;
  return html`<p role="status">${count}</p>
    <ol class="found">
      ${lines.map(
        ({ offset, text }) =>
          html`<li>
            <a href="${toHref(`/runs/${runId}?from=${offset}#log-title`, viewer)}"><code>${toShownText(text)}</code></a>
          </li>`,
      )}
    </ol>`;
}
