import { findProgram } from "./run-program.mjs";

/** Chromium's names: Debian's, that of other distributions, and the browsers that are made of it. */
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The path of a Chromium of this machine; null when there is none. */
export function findChromium() {
  return names.map((name) => findProgram(name)).find((path) => path !== null) ?? null;
}
