import { html } from "hono/html";
import { toFindingsView } from "./findings-view.ts";
import type { Findings } from "./find-in-log.ts";
import type { RunId } from "../../run/id.ts";
import { toHref, type Html, type Viewer } from "./layout.ts";
import { LOG_PAGE_BYTES, type LogPage } from "./log-page.ts";
import { toLogLines, toLogPieces, type LogPiece } from "./log-pieces.ts";
import { toSizeText } from "./words.ts";

export type LogViewOptions = {
  runId: RunId;
  viewer: Viewer;
  /** Null while there is none. */
  page: LogPage | null;
  /** What somebody looks for in it, and what was found. */
  wanted: string;
  findings: Findings | null;
  /** `live`: the end is shown, and more may come. */
  goesOn: "live" | "still";
};

/** A part of the log, with the ways to the other parts. Only its end grows by itself. */
export function toLogView({ runId, viewer, page, goesOn, ...search }: LogViewOptions): Html {
  if (page === null && goesOn === "still")
    return html`<section aria-labelledby="log-title">
      <h2 id="log-title">Log</h2>
      <p class="dim">There is none.</p>
    </section>`;
  const { begin, end, size } = page ?? { begin: 0, end: 0, size: 0 };
  const isEnd = end >= size;
  const live = isEnd && goesOn === "live";
  const at = (from: number): string => toHref(`/runs/${runId}?from=${from}#log-title`, viewer);
  return html`<section aria-labelledby="log-title">
    <h2 id="log-title">Log</h2>
    <p class="tools">
      ${begin > 0 ? html`<a href="${at(0)}">Beginning</a> <a href="${at(Math.max(0, begin - LOG_PAGE_BYTES))}">Earlier</a>` : ""}
      ${isEnd ? "" : html`<a href="${at(end)}">Later</a>`}
      <a href="${isEnd ? "#log-end" : toHref(`/runs/${runId}#log-end`, viewer)}">End</a>
      <a href="${toHref(`/runs/${runId}/log`, viewer)}">Whole log as text</a>
      <span class="dim">${toSpanText({ begin, end, size })}</span>
      ${live ? html`<span id="live" class="dim" role="status"></span>` : ""}
    </p>
    ${toFindingsView({ runId, viewer, ...search })}
    <pre
      id="log"
      class="log"
      tabindex="0"
      role="log"
      aria-live="off"
      aria-labelledby="log-title"
      ${live ? html`data-live="${toHref(`/runs/${runId}/log?offset=${end}`, viewer)}"` : ""}
    >
${page === null ? "" : toLines(page)}<span id="log-end"></span></pre>
  </section>`;
}

function toSpanText({ begin, end, size }: { begin: number; end: number; size: number }): string {
  if (begin === 0 && end >= size) return toSizeText(size);
  return `${toSizeText(end - begin)} of ${toSizeText(size)}, from ${toSizeText(begin)} on`;
}

/** Each line in an element of its own, marked by what it is; run.js adds lines in the same way. */
function toLines({ text, begin, colours }: LogPage): Html[] {
  // The last line may have no end yet: what comes live goes on with it.
  return toLogLines(toLogPieces(text, { begin, colours })).map((pieces) => {
    const kind = toLineKind(pieces.map((piece) => piece.text).join(""));
    return html`<span class="${kind}">${pieces.map(toPiece)}</span>`;
  });
}

function toPiece({ text, look }: LogPiece): Html | string {
  return look === "" ? text : html`<span class="${look}">${text}</span>`;
}

/** What a line of a log is, by how it begins; run.js has the same list. */
function toLineKind(line: string): string {
  if (line.startsWith("$ ")) return "line command";
  if (line.startsWith("! ")) return "line trouble";
  return /^(?:Codex|Files|Plan|Search|Thought|Tool|Sub-agents):/.test(line) ? "line said" : "line";
}
