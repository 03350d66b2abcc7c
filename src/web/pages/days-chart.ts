import { html } from "hono/html";
import type { TotalsReport } from "../../store/totals.ts";
import type { Html } from "./layout.ts";

const STEP = 10;
const BAR = 8;
const HEIGHT = 100;

export type DaysChartOptions = { /** All days, the newest first. */ days: readonly string[] };

/** How many runs ended on each day, as bars for the eye; the table below says the same in figures. Oldest first. */
export function toDaysChart(totals: TotalsReport["days"], { days }: DaysChartOptions): Html {
  const byDay = new Map(totals.map((row) => [row.day, row]));
  const most = Math.max(1, ...totals.map(({ runs }) => runs));
  const bars = days.toReversed().map((day, index) => {
    const row = byDay.get(day);
    if (row === undefined) return "";
    const full = (row.runs / most) * HEIGHT;
    const good = (row.done / most) * HEIGHT;
    const x = index * STEP;
    return html`<rect
        class="rest"
        x="${x}"
        y="${toText(HEIGHT - full)}"
        width="${BAR}"
        height="${toText(full - good)}"
      />
      <rect class="done" x="${x}" y="${toText(HEIGHT - good)}" width="${BAR}" height="${toText(good)}" />`;
  });
  const width = days.length * STEP - (STEP - BAR);
  return html`<svg class="days" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <line x1="0" y1="${HEIGHT}" x2="${width}" y2="${HEIGHT}" />
      ${bars}
    </svg>
    <ul class="legend">
      <li><span class="dot done"></span>done</li>
      <li><span class="dot rest"></span>ended otherwise</li>
      <li class="dim">${days.at(-1) ?? ""} to ${days[0] ?? ""}, at most ${most} a day</li>
    </ul>`;
}

function toText(length: number): string {
  return length.toFixed(1);
}
