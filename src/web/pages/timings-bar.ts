import { html } from "hono/html";
import type { Timings } from "../../run/result.ts";
import { toDurationText } from "../../run/words.ts";
import type { Html } from "./layout.ts";

const stages = ["queued", "cloning", "running", "publishing"] as const;
const WIDTH = 1000;
/** A stage that took a moment is seen all the same. */
const MIN_WIDTH = 4;

/** How long a run was in each stage: as a bar for the eye, and in words. */
export function toTimingsBar(timings: Timings): Html {
  const known = stages.flatMap((stage) => {
    const seconds = timings[stage];
    return seconds === null ? [] : [{ stage, seconds }];
  });
  const total = known.reduce((sum, { seconds }) => sum + seconds, 0);
  if (total === 0) return html``;
  const widths = known.map(({ seconds }) => Math.max(MIN_WIDTH, (seconds / total) * WIDTH));
  const sum = widths.reduce((before, width) => before + width, 0);
  const bars = known.map(({ stage }, index) => {
    const x = widths.slice(0, index).reduce((before, width) => before + width, 0);
    return html`<rect class="${stage}" x="${x.toFixed(1)}" y="0" width="${widths[index]?.toFixed(1)}" height="20" />`;
  });
  return html`<svg class="timings" viewBox="0 0 ${sum.toFixed(1)} 20" preserveAspectRatio="none" aria-hidden="true">
      ${bars}
    </svg>
    <ul class="legend">
      ${known.map(({ stage, seconds }) => html`<li><span class="dot ${stage}"></span>${stage} ${toDurationText(seconds)}</li>`)}
    </ul>`;
}
