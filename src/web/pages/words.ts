import { html } from "hono/html";
import type { RunState } from "../../run/state.ts";
import { toPlainText } from "../../text/plain.ts";
import type { Html } from "./layout.ts";

/** Characters that print nothing, among them those that turn the order of letters. Joined emoji stay whole. */
const INVISIBLE = /(?!\u200d|\ufe0f)[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

/** Text of agents and strangers as a page may show it: what would print nothing is named, so that it can deceive nobody. */
export function toShownText(text: string): string {
  return toPlainText(text).replace(INVISIBLE, (found) => {
    const code = found.codePointAt(0) ?? 0;
    return `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
}

const stateNames: Record<RunState, string> = {
  queued: "queued",
  cloning: "cloning",
  running: "running",
  publishing: "publishing",
  done: "done",
  need_user: "needs you",
  error: "error",
  timeout: "timeout",
  cancelled: "cancelled",
};

/** All states, in the order of a run's life. */
export const states = Object.keys(stateNames);

/** A state as people read it: its name, never its colour alone. */
export function toStateName(state: string): string {
  return Object.entries(stateNames).find(([name]) => name === state)?.[1] ?? state;
}

/** A state as a label. */
export function toStateLabel(state: RunState): Html {
  return html`<span class="state ${state}">${stateNames[state]}</span>`;
}

/** A moment, as text that says it in UTC and as data that says it exactly. */
export function toTime(moment: string): Html {
  return html`<time datetime="${moment}">${moment.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** Sizes as people read them. */
export function toSizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** An address that people may follow: of the web, and nothing else. */
export function toWebUrl(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;
}
