import { html } from "hono/html";
import type { RunId } from "../../run/id.ts";
import type { Html, Viewer } from "./layout.ts";

export type ActionViewOptions = { viewer: Viewer; state: "going" | "over" };

/** The button of a run's page, behind one more step, since it costs work or money. None for those who have a link alone. */
export function toActionView(runId: RunId, { viewer: { formToken }, state }: ActionViewOptions): Html {
  if (formToken === null) return html``;
  const { action, ask, sure } =
    state === "going"
      ? { action: "cancel", ask: "Cancel…", sure: "Cancel this run" }
      : { action: "retry", ask: "Run again…", sure: "Ask for the same again" };
  return html`<details class="action">
    <summary>${ask}</summary>
    <form method="post" action="/runs/${runId}/${action}">
      <input type="hidden" name="form" value="${formToken}" />
      <button>${sure}</button>
    </form>
  </details>`;
}
