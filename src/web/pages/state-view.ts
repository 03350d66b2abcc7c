import { html } from "hono/html";
import type { RunProgress } from "../../run/progress.ts";
import { LiveState } from "../../run/state.ts";
import { toDurationText } from "../../run/words.ts";
import type { RunStateRecord } from "../../store/run-state.ts";
import type { Html } from "./layout.ts";
import { toShownText, toStateLabel } from "./words.ts";

/** Where a run stands, in one line: its state, its place in line or how long it goes, and what it does now. */
export function toStateView(record: RunStateRecord): Html {
  const { state } = record;
  const words = toStateWords(record);
  return html`<p class="stands">${toStateLabel(state)} <span id="doing">${words}</span></p>`;
}

/** The same without the state's name, as text: of a run that is over there is nothing to say. */
export function toStateWords({ state, progress, queuePosition, acceptedAt }: RunStateRecord): string {
  if (state === "queued") return queuePosition === null ? "" : `position ${queuePosition} in line`;
  if (progress === null || !LiveState.safeParse(state).success) return "";
  const doing = toDoing(progress);
  const elapsed = toDurationText(Math.max(0, (Date.now() - Date.parse(acceptedAt)) / 1000));
  return [`for ${elapsed}`, ...(doing === null ? [] : [`now: ${doing}`])].join(" · ");
}

/** The command that a run executes now; null when it executes none. */
export function toDoing(progress: RunProgress | null): string | null {
  const doing = progress?.repoCommand?.command ?? progress?.activity.lastCommand ?? null;
  return doing === null ? null : toShownText(doing).slice(0, 200);
}
